/**
 * Every decoder of strangers' bytes against bytes nobody should send: mutations of real samples for `--seconds` (60) each,
 * the same for the same `--seed`. Nothing but a `DecodeError` may be thrown, nothing may take over 5 ms per kB, what is
 * kept is bounded, and twice the input takes at most 2.5 times as long. `--only a,b` runs some of them.
 */
import { type FuzzResult, runTarget } from './fuzz/run-target.ts'
import { TARGETS } from './fuzz/targets.ts'
import { type Aim, aim, report } from './report.ts'

const SECONDS = 60
export const MAX_GROWN_MB = 64
export const MAX_GROWTH = 2.5

export async function run(args: readonly string[]): Promise<void> {
  const seconds = Number(optionOf(args, '--seconds') ?? SECONDS)
  const seed = Number(optionOf(args, '--seed') ?? Date.now() % 1_000_000_007)
  const only = optionOf(args, '--only')?.split(',')
  const targets = TARGETS.filter((target) => only?.includes(target.name) ?? true)
  const results: Record<string, FuzzResult> = {}
  for (const target of targets) {
    const result = runTarget(target, seconds, seed)
    results[target.name] = result
    console.error(
      `${target.name}: ${result.inputs} inputs, ${result.refused} refused, ${result.thrown} threw, ${result.slow} slow, ` +
        `+${result.grownMb} MB, time(2n) = ${result.growth} × time(n)`,
    )
    for (const example of result.examples) console.error(`  ${example}`)
  }
  const of = (pick: (result: FuzzResult) => number) => Object.values(results).map(pick)
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  const aims: Record<string, Aim> = {
    decoders: aim(targets.length, '>=', 1),
    thrown: aim(sum(of((r) => r.thrown)), '==', 0),
    slow: aim(sum(of((r) => r.slow)), '==', 0),
    grown_mb_most: aim(Math.max(0, ...of((r) => r.grownMb)), '<=', MAX_GROWN_MB),
    growth_most: aim(Math.max(0, ...of((r) => r.growth)), '<=', MAX_GROWTH),
  }
  report(args, 'fuzz', { seconds, seed, inputs: sum(of((r) => r.inputs)), decoders: results }, aims)
}

function optionOf(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(name)
  return at < 0 ? undefined : args[at + 1]
}
