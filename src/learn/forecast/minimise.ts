/** Nelder & Mead's simplex (1965): a start and steps come in, the best point found within `evaluations` goes out. */
export function minimise(
  cost: (point: Float64Array) => number,
  start: readonly number[],
  step: readonly number[],
  evaluations: number,
): Float64Array {
  type Corner = { at: Float64Array; cost: number }
  const weigh = (at: Float64Array): Corner => {
    const value = cost(at)
    return { at, cost: Number.isNaN(value) ? Number.POSITIVE_INFINITY : value }
  }
  const corners = [start, ...start.map((_, i) => start.map((v, j) => (i === j ? v + step[i]! : v)))].map((at) =>
    weigh(Float64Array.from(at)),
  )
  let used = corners.length
  while (used < evaluations) {
    corners.sort((a, b) => a.cost - b.cost)
    const [best, worst] = [corners[0]!, corners.at(-1)!]
    const rest = corners.slice(0, -1)
    const centre = best.at.map((_, i) => rest.reduce((sum, corner) => sum + corner.at[i]!, 0) / rest.length)
    const towards = (share: number) => weigh(centre.map((c, i) => c + share * (worst.at[i]! - c)))
    const mirrored = towards(-1)
    used++
    let next = mirrored
    if (mirrored.cost < best.cost) {
      const further = towards(-2)
      used++
      if (further.cost < mirrored.cost) next = further
    } else if (mirrored.cost >= rest.at(-1)!.cost) {
      next = towards(mirrored.cost < worst.cost ? -0.5 : 0.5)
      used++
    }
    if (next.cost < worst.cost) corners[corners.length - 1] = next
    else {
      for (let i = 1; i < corners.length; i++) corners[i] = weigh(corners[i]!.at.map((v, j) => (v + best.at[j]!) / 2))
      used += corners.length - 1
    }
  }
  return corners.reduce((a, b) => (b.cost < a.cost ? b : a)).at
}
