/**
 * Where a share will lie that is drawn anew: a share known from `drawn` draws, `toCome` draws to be made. The beta-binomial
 * predictive distribution with Jeffreys' prior: it holds at 0 and at 1, and knows that few draws come out as nothing.
 */
const TAIL = 0.025
/** Beyond so many the steps between two counts are too small to be seen. */
const MOST_DRAWS = 2_000

export function predictShare(
  share: number,
  drawn: number,
  toCome: number,
): { readonly low: number; readonly high: number } {
  const n = Math.max(1, Math.min(MOST_DRAWS, Math.round(toCome)))
  const [a, b] = [share * drawn + 0.5, (1 - share) * drawn + 0.5]
  const weights = distribution(n, a, b)
  let low = 0
  for (let below = weights[0]!; below <= TAIL && low < n; ) below += weights[++low]!
  let high = n
  for (let above = weights[n]!; above <= TAIL && high > 0; ) above += weights[--high]!
  return { low: Math.min(share, low / n), high: Math.max(share, high / n) }
}

/** Probabilities of 0 to n, by the ratio of neighbours, from the greatest on: nothing under- or overflows. */
function distribution(n: number, a: number, b: number): Float64Array {
  const logs = new Float64Array(n + 1)
  let greatest = 0
  for (let k = 0; k < n; k++) {
    logs[k + 1] = logs[k]! + Math.log(((n - k) / (k + 1)) * ((k + a) / (n - k - 1 + b)))
    greatest = Math.max(greatest, logs[k + 1]!)
  }
  const weights = logs.map((log) => Math.exp(log - greatest))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}
