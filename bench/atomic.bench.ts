/**
 * Death at every point that a change, its roll-back, a recovery and a supervisor's undo pass (`src/enforce/fault.ts` names
 * them; `atomic/discover.ts` finds them by letting each way happen once), for each driver; then at random moments. Afterwards
 * every facet of every workload must be, after `normalise()`, exactly what it was before or what it was to be: anything else
 * is `mixed`. Named points are under `atomic/worker.ts`, the enforcing half of the agent; random ones under the whole agent.
 * `--quick` is one death of each kind; `--drivers a,b`, `--random N`, `--share N` (every Nth point) and `--minutes N` (for each
 * driver, instead of its own) make a shorter or longer run, which says how many points it did not try.
 */
import { seeded, shuffled } from '../src/learn/random.ts'
import { alsoSupervisor, discover, type Named } from './atomic/discover.ts'
import { DRIVERS_TRIED, LANES, MINUTES, openGroundOf, type Tried } from './atomic/drivers.ts'
import { type Ground, learnGolden, wear } from './atomic/ground.ts'
import { QUICK } from './atomic/quick.ts'
import { attempt, type Outcome } from './atomic/trial.ts'
import { aim, percentile, report } from './report.ts'

const RANDOM_KILLS = 102
/** The supervisor dies as well at every so many of the points at which the worker does. */
const SUPERVISOR_NTH = 5

type Tally = {
  /** A driver, or what else was killed. */
  readonly of: string
  /** Names of points found, and of those that were died at. */
  points: number
  crash_points: number
  kills: number
  supervisor_kills: number
  mixed: number
  before: number
  after: number
  readonly restores: number[]
  readonly unreached: string[]
}
type Plan = {
  readonly drivers: readonly Tried[]
  readonly share: number
  readonly random: number
  readonly minutes: number | null
  readonly seed: number
  readonly leaving: AbortSignal
}

export async function run(args: readonly string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const quick = args.includes('--quick')
  const drivers = (option('--drivers') ?? DRIVERS_TRIED.join(',')).split(',')
  const wrong = drivers.find((name) => !(DRIVERS_TRIED as readonly string[]).includes(name))
  if (wrong !== undefined) throw new Error(`--drivers ${wrong}: choose of ${DRIVERS_TRIED.join(',')}`)
  const seed = Number(option('--seed') ?? 1) || 1
  const leaving = new AbortController()
  process.on('SIGTERM', () => leaving.abort(new Error('stopped by SIGTERM')))
  const tallies = await (quick ? killSome : killAll)({
    drivers: drivers as Tried[],
    share: Number(option('--share') ?? 1),
    random: Number(option('--random') ?? RANDOM_KILLS),
    minutes: option('--minutes') === undefined ? null : Number(option('--minutes')),
    seed,
    leaving: leaving.signal,
  })
  const total = joined([...tallies.values()])
  const figures = {
    ...summaryOf(total),
    unreached: total.unreached,
    seed,
    by_driver: Object.fromEntries([...tallies].map(([name, tally]) => [name, summaryOf(tally)])),
  }
  report(args, 'atomic', figures, {
    mixed: aim(figures.mixed, '==', 0),
    kills: aim(figures.kills, '>=', quick ? 1 : 100),
    untried_points: aim(untriedOf(total), '==', 0),
  })
  if (figures.mixed > 0) process.exitCode = 1
}

/** By driver, and `random`. */
async function killAll(plan: Plan): Promise<Map<string, Tally>> {
  const tallies = new Map<string, Tally>([...plan.drivers, 'random'].map((name) => [name, emptyTally(name)]))
  const oneByOne = async (drivers: readonly Tried[]) => {
    for (const driver of drivers) await atEveryPoint(driver, tallies.get(driver)!, plan)
  }
  // What waits for an emulated guest leaves processors to the others.
  const [machines, others] = [['qemu'], ['netns', 'container', 'host']].map((line) =>
    plan.drivers.filter((driver) => line.includes(driver)),
  ) as [Tried[], Tried[]]
  const withRandom = async () => {
    await oneByOne(others)
    if (plan.random > 0) await atRandom(tallies.get('random')!, plan)
  }
  await together([oneByOne(machines), withRandom()])
  return tallies
}

/** One death of each kind. */
async function killSome(plan: Plan): Promise<Map<string, Tally>> {
  const tally = emptyTally('quick')
  const ground = await openGroundOf('netns', 'aq', 'enforcer')
  try {
    await learnGolden(ground)
    for (const trial of QUICK) {
      plan.leaving.throwIfAborted()
      tally.points++
      const to = ground.wears === 0 ? 1 : 0
      const name = trial.faults.join(', ') || `random: ${trial.victim}`
      count(tally, name, trial.victim, await attempt(ground, { ...trial, to }), to)
    }
  } finally {
    await ground.close()
  }
  return new Map([['netns', tally]])
}

/** Several grounds side by side: most of a trial is waiting. */
async function atEveryPoint(driver: Tried, tally: Tally, plan: Plan): Promise<void> {
  const random01 = seeded(plan.seed + DRIVERS_TRIED.indexOf(driver))
  const grounds = await opened(LANES[driver], (lane) =>
    openGroundOf(driver, `${driver === 'qemu' ? 'm' : 'a'}${lane}`, 'enforcer'),
  )
  try {
    const [first] = grounds
    await Promise.all(grounds.map(learnGolden))
    const queues: Record<0 | 1, Named[]> = { 0: [], 1: [] }
    for (const to of [1, 0] as const) {
      const mixed: string[] = []
      const found = await discover(first!, to, mixed)
      tally.mixed += mixed.length
      for (const line of mixed) process.stderr.write(`MIXED ${driver} ${line}\n`)
      const all = [...found, ...alsoSupervisor(found, SUPERVISOR_NTH)]
      queues[to] = shuffled(
        all.filter((_, i) => i % plan.share === 0),
        random01,
      )
      tally.points += all.length
    }
    process.stderr.write(`${driver}: ${tally.points} points, a change takes ${Math.round(first!.applyMs)} ms\n`)
    const end = performance.now() + (plan.minutes ?? MINUTES[driver]) * 60_000
    await together(
      grounds.map(async (ground) => {
        while (performance.now() < end) {
          plan.leaving.throwIfAborted()
          const to = ground.wears === 0 ? 1 : 0
          const trial = queues[to].shift()
          if (trial !== undefined) count(tally, trial.name, trial.victim, await attempt(ground, trial), to)
          else if (queues[ground.wears].length > 0) await wear(ground, to)
          else return
        }
      }),
    )
  } finally {
    await closeAll(grounds)
  }
}

/** Every third takes the supervisor along. */
async function atRandom(tally: Tally, plan: Plan): Promise<void> {
  const grounds = await opened(LANES.netns, (lane) => openGroundOf('netns', `b${lane}`, 'agent'))
  const random01 = seeded(plan.seed + DRIVERS_TRIED.length)
  let left = plan.random
  try {
    await together(
      grounds.map(async (ground) => {
        await learnGolden(ground)
        while (left-- > 0) {
          plan.leaving.throwIfAborted()
          tally.points++
          const to = ground.wears === 0 ? 1 : 0
          const victim = left % 3 === 0 ? 'both' : 'worker'
          const afterShare = random01() * 1.2
          const ending = random01() < 0.25 ? 'rollback' : 'confirm'
          const outcome = await attempt(ground, { faults: [], victim, afterShare, to, ending })
          count(tally, `random: ${victim} after ${afterShare.toFixed(2)} of a change`, victim, outcome, to)
        }
      }),
    )
  } finally {
    await closeAll(grounds)
  }
}

/** All have ended before the first failure is thrown: nobody works on a ground that is being taken away. */
async function together(lanes: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(lanes)) if (one.status === 'rejected') throw one.reason
}

async function opened(lanes: number, open: (lane: number) => Promise<Ground>): Promise<Ground[]> {
  const settled = await Promise.allSettled(Array.from({ length: lanes }, (_, lane) => open(lane)))
  const grounds = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed === undefined) return grounds
  await closeAll(grounds)
  throw failed.reason
}

/** What is left over is told and fails the run, and takes nothing of what was seen in an hour along. */
async function closeAll(grounds: readonly Ground[]): Promise<void> {
  for (const one of await Promise.allSettled(grounds.map((ground) => ground.close()))) {
    if (one.status === 'fulfilled') continue
    process.stderr.write(`LEFT OVER ${(one.reason as Error).message}\n`)
    process.exitCode = 1
  }
}

function count(tally: Tally, name: string, victim: string, outcome: Outcome, to: 0 | 1): void {
  const { killed, restoreMs, wears, difference } = outcome
  if (killed) {
    tally.crash_points++
    tally.kills += name.startsWith('recovery') || name.startsWith('undo') ? 2 : 1
    if (victim !== 'worker') tally.supervisor_kills++
    tally.restores.push(restoreMs)
  } else tally.unreached.push(`${tally.of} ${name}`)
  if (wears === null) tally.mixed++
  else if (wears === to) tally.after++
  else tally.before++
  const word = wears === null ? 'MIXED' : !killed ? 'unreached' : wears === to ? 'after' : 'before'
  process.stderr.write(
    `${tally.of.padEnd(9)} ${name.padEnd(76)} ${word} ${Math.round(restoreMs)} ms${difference && `\n  ${difference}`}\n`,
  )
}

const emptyTally = (of: string): Tally => ({
  of,
  points: 0,
  crash_points: 0,
  kills: 0,
  supervisor_kills: 0,
  mixed: 0,
  before: 0,
  after: 0,
  restores: [],
  unreached: [],
})

function joined(tallies: readonly Tally[]): Tally {
  const all = emptyTally('all')
  for (const one of tallies) {
    for (const name of ['points', 'crash_points', 'kills', 'supervisor_kills', 'mixed', 'before', 'after'] as const)
      all[name] += one[name]
    all.restores.push(...one.restores)
    all.unreached.push(...one.unreached)
  }
  return all
}

function summaryOf({ of, restores, unreached, ...rest }: Tally) {
  return {
    ...rest,
    p50_restore_ms: Math.round(percentile(restores, 50)) || 0,
    p99_restore_ms: Math.round(percentile(restores, 99)) || 0,
    not_passed_again: unreached.length,
    untried: untriedOf({ of, restores, unreached, ...rest }),
  }
}

const untriedOf = ({ points, crash_points, unreached }: Tally) => points - crash_points - unreached.length
