/**
 * A server that was taken over, with valid TLS, against the whole agent: none of its abuses may be accepted, each must come
 * back with a reason, the kernel must hold what it held, no program may be run that is not on the fixed list, and the honest
 * server must be served afterwards. Needs root and strace(1).
 */
import { existsSync } from 'node:fs'
import { type Abuse, abuses, type Ground } from './hostile/abuses.ts'
import { largeAbuses } from './hostile/large.ts'
import { foreignPrograms, programNames } from './hostile/programs.ts'
import { type FloorLimits, makeHostileRange, type Outcome, tableText } from './hostile/range.ts'
import { until } from './kill/range.ts'
import { aim, report } from './report.ts'

type Tally = {
  readonly abuses: number
  readonly outcomes: readonly Outcome[]
  readonly reasoned: number
  readonly accepted: number
  readonly silent: readonly string[]
  readonly executed: readonly (readonly string[])[]
  /** Kernel as before, marker not there, and the honest server served. */
  readonly unharmed: boolean
}

const SMALL: FloorLimits = { messageBytes: 4 << 20, rules: 6_000, elements: 50_000 }
const DEFAULTS: FloorLimits = { messageBytes: 128 << 20, rules: 500_000, elements: 1_000_000 }

export async function run(args: readonly string[]): Promise<void> {
  const tallies = [await attack(SMALL, abuses, 10_000)]
  if (!args.includes('--small')) tallies.push(await attack(DEFAULTS, largeAbuses, 90_000))
  for (const { name, reason } of tallies.flatMap((tally) => tally.outcomes))
    process.stderr.write(`${name.slice(0, 60).padEnd(60)} ${reason ?? 'NO REASON'}\n`)
  const executed = tallies.flatMap((tally) => tally.executed)
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0)
  const foreign = foreignPrograms(executed)
  for (const line of foreign) process.stderr.write(`NOT ON THE LIST ${line}\n`)
  const silent = tallies.flatMap((tally) => tally.silent)
  for (const name of silent) process.stderr.write(`NO REASON ${name}\n`)
  const figures = {
    abuses: sum((tally) => tally.abuses),
    accepted: sum((tally) => tally.accepted),
    reasoned: sum((tally) => tally.reasoned),
    executions: executed.length,
    programs: programNames(executed),
    foreign_programs: foreign.length,
    unharmed: tallies.every((tally) => tally.unharmed),
  }
  report(args, 'hostile', figures, {
    abuses: aim(figures.abuses, '>=', 60),
    accepted: aim(figures.accepted, '==', 0),
    without_reason: aim(figures.abuses - figures.reasoned, '==', 0),
    foreign_programs: aim(figures.foreign_programs, '==', 0),
    harmed: aim(figures.unharmed ? 0 : 1, '==', 0),
  })
  if (figures.accepted + silent.length + foreign.length > 0 || !figures.unharmed) process.exitCode = 1
}

/** One agent, one floor, one list of abuses. */
export async function attack(
  limits: FloorLimits,
  list: (ground: Ground, folder: string) => readonly Abuse[],
  withinMs: number,
): Promise<Tally> {
  const hostile = await makeHostileRange('h', limits)
  try {
    for (const [i, variant] of [0, 1, 0].entries()) await hostile.confirmed(i + 1, variant)
    // What is pending ends by itself; it must not be taken for what an abuse did.
    await until('nothing is pending', 15_000, () => !/ expires /.test(withoutLive(tableText(hostile.range))))
    const before = await hostile.range.capture()
    const outcomes = await hostile.abuse(list(hostile.ground, hostile.range.dir), withinMs)
    const accepted = [...hostile.applied].filter(
      ([n, states]) => (n === 0 || n >= 1_000) && [...states].some((state) => state !== 'refused'),
    )
    const isSame = (await hostile.range.capture()) === before
    await hostile.confirmed(100_000, 1)
    return {
      abuses: outcomes.length,
      outcomes,
      reasoned: outcomes.filter(({ reason }) => reason !== null && !hasControl(reason)).length,
      accepted: accepted.length,
      silent: outcomes.filter(({ reason }) => reason === null).map(({ name }) => name),
      executed: hostile.programs(),
      unharmed: isSame && !existsSync(hostile.ground.marker),
    }
  } finally {
    await hostile.close()
  }
}

/** Connections that are older than the first rules go on for minutes, whatever is decided (carry.ts). */
const withoutLive = (table: string) => table.replaceAll(/\tset live[46] \{.*?\n\t\}\n/gs, '')

/** A reason is read on a terminal. */
function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
