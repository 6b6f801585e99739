/**
 * kill -9 of each victim at every named step of an apply and at random moments, in namespaces of our own with three
 * workloads whose rules, sets, addresses and resolvers all change. Afterwards the whole kernel state must equal, byte for
 * byte once normalised, that of the generation before or of the one after: anything else is `mixed`. Worker and supervisor
 * die under the least server there can be; server and database (kill/control-plane.ts) under a real agent and a client that
 * writes, all of whose acknowledged writes must be there once. `--victims a,b` and `--random N` make a short run.
 */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { FAULT_SITES, type FaultSite } from '../src/enforce/fault.ts'
import { seeded } from '../src/learn/random.ts'
import { type ControlPlaneVictim, controlPlaneTrials, startControlPlane, type Verdict } from './kill/control-plane.ts'
import { type FakeServer, startFakeServer } from './kill/fake-server.ts'
import { makeRange, type Range, until, workerOf } from './kill/range.ts'
import { aim, percentile, report } from './report.ts'

type Trial = {
  /** Lines for the fault file; empty = killed from outside after this share of what an apply takes here. */
  readonly faults: readonly string[]
  readonly afterShare: number
  readonly ending: FakeServer['whenConfirming']
}
export type Victim = {
  readonly name: string
  readonly trials: readonly Trial[]
  /** For random moments. */
  kill(ground: Ground): void
}
type Ground = {
  readonly range: Range
  readonly server: FakeServer
  supervisor: ChildProcess
  readonly leaving: AbortSignal
  applyMs: number
}

const RANDOM_POINTS = 20
const VICTIMS = ['worker', 'supervisor', 'server', 'database'] as const

export function victims(random: () => number, randomPoints: number): Victim[] {
  const points = Array.from(
    { length: randomPoints },
    (): Trial => ({ faults: [], afterShare: random() * 1.2, ending: 'confirm' }),
  )
  const named = (name: string) =>
    FAULT_SITES.filter((site) => name === 'supervisor' || !site.startsWith('und')).map((site) => ({
      faults: faultsFor(name, site),
      afterShare: 0,
      ending: endingOf(site),
    }))
  return [
    { name: 'worker', trials: [...named('worker'), ...points], kill: (ground) => killPid(workerOf(ground.supervisor)) },
    {
      name: 'supervisor',
      trials: [...named('supervisor'), ...points],
      kill: (ground) => killPid(ground.supervisor.pid!),
    },
  ]
}

function killPid(pid: number | null): void {
  if (pid !== null && pid > 1) process.kill(pid, 'SIGKILL')
}

/** The supervisor takes back after its worker died, a worker recovers after its supervisor died: those need a first death. */
function faultsFor(name: string, site: FaultSite): string[] {
  if (site.startsWith('und')) return ['worker:nft-flipped', `${name}:${site}`]
  return site.startsWith('recover') ? ['supervisor:nft-flipped', `${name}:${site}`] : [`${name}:${site}`]
}

function endingOf(site: FaultSite): FakeServer['whenConfirming'] {
  return site.startsWith('revert') ? 'rollback' : 'confirm'
}

export async function run(args: readonly string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const seed = Number(option('--seed') ?? 1) || 1
  const randomPoints = Number(option('--random') ?? RANDOM_POINTS)
  const chosen = (option('--victims') ?? VICTIMS.join(',')).split(',')
  const wrong = chosen.find((name) => !(VICTIMS as readonly string[]).includes(name))
  if (wrong !== undefined) throw new Error(`--victims ${wrong}: choose of ${VICTIMS.join(',')}`)
  const leaving = new AbortController()
  process.on('SIGTERM', () => leaving.abort(new Error('stopped by SIGTERM')))
  const tallies: Tally[] = []
  const random = seeded(seed)
  const rows = victims(random, randomPoints).filter(({ name }) => chosen.includes(name))
  if (rows.length > 0) tallies.push(...(await killAgents(rows, leaving.signal)))
  const above = (['server', 'database'] as const).filter((name) => chosen.includes(name))
  const trials = controlPlaneTrials(above, random, randomPoints)
  if (above.length > 0) tallies.push(...(await killControlPlane(above, trials, leaving.signal)))

  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0)
  const figures = {
    ...summaryOf(
      sum,
      tallies.flatMap(({ restores }) => restores),
    ),
    unreached: tallies.flatMap(({ unreached }) => unreached),
    acknowledged: sum((tally) => tally.acknowledged),
    seed,
    by_victim: Object.fromEntries(tallies.map((tally) => [tally.victim, summaryOf((of) => of(tally), tally.restores)])),
  }
  report(args, 'kill', figures, {
    mixed: aim(figures.mixed, '==', 0),
    lost_acknowledged: aim(figures.lost_acknowledged, '==', 0),
    doubled: aim(figures.doubled, '==', 0),
  })
  if (figures.mixed + figures.lost_acknowledged + figures.doubled > 0) process.exitCode = 1
}

function summaryOf(figure: (of: (tally: Tally) => number) => number, restores: readonly number[]) {
  return {
    crash_points: figure((tally) => tally.crash_points),
    kills: figure((tally) => tally.kills),
    mixed: figure((tally) => tally.mixed),
    lost_acknowledged: figure((tally) => tally.lost),
    doubled: figure((tally) => tally.doubled),
    p50_restore_ms: round(percentile(restores, 50)),
    p99_restore_ms: round(percentile(restores, 99)),
  }
}

async function killAgents(rows: readonly Victim[], leaving: AbortSignal): Promise<Tally[]> {
  const range = await makeRange('k')
  const server = await startFakeServer(range.socket)
  const ground: Ground = { range, server, supervisor: range.startAgent(), applyMs: 400, leaving }
  try {
    return await shoot(ground, rows)
  } finally {
    ground.supervisor.kill('SIGTERM')
    await until(
      'the agent left',
      6_000,
      () => ground.supervisor.exitCode !== null || ground.supervisor.signalCode !== null,
    ).catch(() => ground.supervisor.kill('SIGKILL'))
    await server.close()
    await range.remove()
  }
}

async function killControlPlane(
  above: readonly ControlPlaneVictim[],
  trials: ReturnType<typeof controlPlaneTrials>,
  leaving: AbortSignal,
): Promise<Tally[]> {
  const plane = await startControlPlane('p')
  const tallies = new Map(above.map((name) => [name, emptyTally(name)]))
  /** What is lost stays lost: each is counted once. */
  const counted = new Set<string>()
  try {
    for (const trial of trials) {
      leaving.throwIfAborted()
      const name = `${trial.victim} ${typeof trial.at === 'string' ? trial.at : `after ${trial.at.toFixed(2)} of an apply`}`
      const tally = tallies.get(trial.victim)!
      const began = performance.now()
      const verdict = await plane.tryOut(trial)
      const tookMs = performance.now() - began
      count(tally, name, fresh(verdict, counted))
      process.stderr.write(
        `${name.padEnd(48)} ${verdict.killed ? 'whole' : 'unreached'}  ${round(verdict.restoreMs)} ms of ${round(tookMs)}\n`,
      )
    }
    tallies.get(above[0]!)!.acknowledged = plane.acknowledged
    return [...tallies.values()]
  } finally {
    await plane.close()
  }
}

function fresh(verdict: Verdict, counted: Set<string>): Verdict {
  const isNew = (what: string) => !counted.has(what) && counted.add(what) !== null
  return { ...verdict, lost: verdict.lost.filter(isNew), doubled: verdict.doubled.filter(isNew) }
}

function count(tally: Tally, name: string, verdict: Verdict): void {
  tally.crash_points++
  if (verdict.killed) {
    tally.kills++
    tally.restores.push(verdict.restoreMs)
  } else tally.unreached.push(name)
  if (verdict.mixed.length > 0) tally.mixed++
  tally.lost += verdict.lost.length
  tally.doubled += verdict.doubled.length
  for (const [word, said] of Object.entries({ MIXED: verdict.mixed, LOST: verdict.lost, DOUBLED: verdict.doubled }))
    if (said.length > 0) process.stderr.write(`${word} ${name}: ${said.join('; ')}\n`)
}

type Tally = {
  readonly victim: string
  acknowledged: number
  lost: number
  doubled: number
  crash_points: number
  kills: number
  mixed: number
  unreached: string[]
  before: number
  after: number
  restores: number[]
}

const emptyTally = (victim: string): Tally => ({
  victim,
  acknowledged: 0,
  lost: 0,
  doubled: 0,
  crash_points: 0,
  kills: 0,
  mixed: 0,
  unreached: [],
  before: 0,
  after: 0,
  restores: [],
})

async function shoot(ground: Ground, rows: readonly Victim[]): Promise<Tally[]> {
  const tallies = rows.map(({ name }) => emptyTally(name))
  let n = 0
  const golden: string[] = []
  for (const variant of [0, 1, 0, 1, 0]) {
    const began = performance.now()
    await confirmed(ground, ++n, variant)
    ground.applyMs = performance.now() - began
    golden[variant] = await ground.range.capture()
  }
  let wears = 0
  for (const [i, victim] of rows.entries()) {
    const tally = tallies[i]!
    for (const trial of victim.trials) {
      ground.leaving.throwIfAborted()
      tally.crash_points++
      const began = performance.now()
      const wanted = 1 - wears
      const name = `${victim.name} ${trial.faults.join('+') || `after ${trial.afterShare.toFixed(2)} of an apply`}`
      let killedAt = await oneKill(ground, victim, trial, ++n, wanted)
      if (killedAt === null) {
        // The message may have gone to a stream whose worker was just dying: once more.
        wears = golden.indexOf(await ground.range.capture())
        killedAt = await oneKill(ground, victim, trial, ++n, 1 - wears)
      }
      if (killedAt === null) {
        tally.unreached.push(name)
        wears = golden.indexOf(await ground.range.capture())
        if (wears < 0) throw new Error(`lost without a kill: ${name}`)
        continue
      }
      tally.kills += Math.max(1, trial.faults.length)
      const settled = await settle(ground, golden, killedAt)
      if (settled.variant < 0) {
        tally.mixed++
        process.stderr.write(`MIXED ${name}\n`)
        await confirmed(ground, ++n, 0)
        wears = 0
        continue
      }
      tally.restores.push(settled.ms)
      if (settled.variant === wears) tally.before++
      else tally.after++
      process.stderr.write(
        `${name.padEnd(48)} ${settled.variant === wears ? 'before' : 'after '} ${Math.round(settled.ms)} ms of ${Math.round(performance.now() - began)}\n`,
      )
      wears = settled.variant
    }
  }
  return tallies
}

/** When the (last) kill happened; null when the step was never passed. */
async function oneKill(
  ground: Ground,
  victim: Victim,
  trial: Trial,
  n: number,
  variant: number,
): Promise<number | null> {
  const { range, server } = ground
  await until('the agent listens', 20_000, () => server.connected)
  server.whenConfirming = trial.ending
  server.greeting = []
  writeFileSync(range.faults, trial.faults.join('\n'))
  const boot = server.last.boot
  const supervisor = ground.supervisor
  server.send({ type: 'state', state: range.state(n, variant) })
  if (trial.faults.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, trial.afterShare * ground.applyMs))
    victim.kill(ground)
  } else {
    const spent = () => execFileSync('wc', ['-c', range.faults]).toString().startsWith('0 ')
    const reached = await until('killed', 20_000, () => {
      revive(ground)
      return spent()
    }).then(
      () => true,
      () => false,
    )
    if (!reached) {
      writeFileSync(range.faults, '')
      return null
    }
  }
  const killedAt = performance.now()
  if (victim.name === 'supervisor')
    await until(
      'the supervisor is dead',
      5_000,
      () => supervisor.signalCode !== null || ground.supervisor.signalCode !== null || ground.supervisor !== supervisor,
    )
  revive(ground)
  await until('a new worker reports', 20_000, () => {
    revive(ground)
    return server.last.boot !== boot && server.connected
  })
  return killedAt
}

function revive(ground: Ground): void {
  if (ground.supervisor.signalCode !== null || ground.supervisor.exitCode !== null)
    ground.supervisor = ground.range.startAgent()
}

/** Which golden state holds now; it must hold twice in a row. */
async function settle(
  ground: Ground,
  golden: readonly string[],
  killedAt: number,
): Promise<{ variant: number; ms: number }> {
  let variant = golden.indexOf(await ground.range.capture())
  const ms = performance.now() - killedAt
  if (variant < 0) variant = golden.indexOf(await ground.range.capture())
  return { variant, ms }
}

async function confirmed(ground: Ground, n: number, variant: number): Promise<void> {
  const { range, server } = ground
  await until('the agent listens', 20_000, () => server.connected)
  server.whenConfirming = 'confirm'
  server.send({ type: 'state', state: range.state(n, variant) })
  await until(
    `generation ${n} confirmed`,
    15_000,
    () => server.last.applied?.generation.n === n && (server.last.applied.state as string) === 'confirmed',
  )
}

const round = (ms: number) => Math.round(ms)
