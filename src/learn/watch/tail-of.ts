/** Student's t with 4 degrees of freedom, scaled to variance 1: innovations have tails that a normal law does not know. */
export function tailOf(spreads: number): number {
  // t = √2·z and tan θ = t/2, so cos²θ = 1/(1 + z²/2). P(|T| > t) = 1 − sin θ·(1 + cos²θ/2), with the difference multiplied out.
  const cosine = 1 / (1 + 0.5 * spreads * spreads)
  return (cosine * cosine * (0.75 + 0.25 * cosine)) / (1 + Math.sqrt(1 - cosine) * (1 + 0.5 * cosine))
}
