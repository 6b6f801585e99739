/** Of a column of windows, what hangs together: indices that follow each other without a gap and have a number. */
export function stretches(at: readonly number[], column: readonly (number | null)[]): number[][] {
  const found: number[][] = []
  for (const [i, value] of column.entries()) {
    if (value === null) continue
    const run = found.at(-1)
    const last = run?.at(-1)
    if (run !== undefined && last === i - 1 && at[i]! - at[last]! <= 100_000) run.push(i)
    else found.push([i])
  }
  return found
}
