/** How every bench speaks: a table for people, one compact JSON line for machines, an aim per number the issue sets. */
export type Aim = { readonly value: number; readonly aim: string; readonly met: boolean }

export function aim(value: number, op: '<=' | '>=' | '==', bound: number): Aim {
  const met = op === '<=' ? value <= bound : op === '>=' ? value >= bound : value === bound
  return { value, aim: `${op} ${bound}`, met }
}

export function report(
  args: readonly string[],
  bench: string,
  figures: Record<string, unknown>,
  aims: Record<string, Aim>,
): void {
  for (const [name, value] of Object.entries(figures)) {
    if (typeof value !== 'object') console.error(`${name.padEnd(24)} ${value}`)
  }
  for (const [name, { value, aim: bound, met }] of Object.entries(aims)) {
    console.error(`${met ? 'met   ' : 'MISSED'} ${name} ${value} (aim ${bound})`)
  }
  if (args.includes('--json')) console.log(JSON.stringify({ bench, ...figures, aims }))
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN
}
