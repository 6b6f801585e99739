/** One change under which somebody dies, once or twice; started again as an init and the supervisor would; then looked at. */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { until, workerOf } from '../kill/range.ts'
import { firstDifference, type Ground, isDead, revive, wear } from './ground.ts'
import type { Variant } from './persona.ts'

export type Trial = {
  /** Lines of the fault file, `victim:point`; empty = by hand, at `afterShare` of what a change takes. */
  readonly faults: readonly string[]
  readonly victim: 'worker' | 'supervisor' | 'both'
  readonly afterShare?: number
  readonly to: Variant
  readonly ending: 'confirm' | 'rollback'
}
export type Outcome = {
  /** False when the change ended, and the agent was back, without passing the (last) point. */
  readonly killed: boolean
  readonly restoreMs: number
  /** What it wears now; null = neither of both. */
  readonly wears: Variant | null
  readonly difference: string
}

const KILLED_WITHIN_MS = 150_000
const BACK_WITHIN_MS = 150_000
/** What a worker writes after its last word: the journal's intent goes before it, so there is nothing but what it says. */
const QUIET_MS = 300

/** The ground must wear the other variant. */
export async function attempt(ground: Ground, trial: Trial): Promise<Outcome> {
  const { range, server } = ground
  await until('the agent listens', BACK_WITHIN_MS, () => {
    revive(ground)
    return server.connected && lives(ground)
  })
  server.whenConfirming = trial.ending
  writeFileSync(range.faults, trial.faults.join('\n'))
  const sent = { n: ++ground.n, boot: server.last.boot }
  server.send({ type: 'state', state: ground.state(sent.n, trial.to) })
  const killed = trial.faults.length === 0 ? await killByHand(ground, trial) : await passes(ground, sent)
  writeFileSync(range.faults, '')
  const killedAt = performance.now()
  const before = server.last.boot
  await until('a worker is back and at rest', BACK_WITHIN_MS, () => {
    revive(ground)
    return server.connected && lives(ground) && (killed ? server.last.boot !== before : isSettled(ground, sent))
  })
  const restoreMs = performance.now() - killedAt
  return { killed, restoreMs, ...(await seen(ground)) }
}

async function seen(ground: Ground): Promise<Pick<Outcome, 'wears' | 'difference'>> {
  let text = await ground.capture()
  let wears = ground.golden.indexOf(text)
  if (wears < 0) {
    // A listing is no transaction: once more, without anybody having done anything in between.
    text = await ground.capture()
    wears = ground.golden.indexOf(text)
  }
  if (wears >= 0) {
    ground.wears = wears as Variant
    return { wears: wears as Variant, difference: '' }
  }
  const differences = ground.golden.map((golden) => firstDifference([golden, text]))
  for (const variant of [1, 0] as const) await wear(ground, variant)
  text = await ground.capture()
  if (text !== ground.golden[0])
    throw new Error(`it does not come back to a known look: ${firstDifference([ground.golden[0], text])}`)
  return { wears: null, difference: differences.join('\n  or ') }
}

type Sent = { readonly n: number; readonly boot: string }

/** True once every line of the fault file is struck out; false when the change ended without. */
async function passes(ground: Ground, sent: Sent): Promise<boolean> {
  const spent = () => readFileSync(ground.range.faults, 'utf8') === ''
  const end = performance.now() + KILLED_WITHIN_MS
  for (let quietSince = 0; ; ) {
    revive(ground)
    if (spent()) return true
    const isQuiet = ground.server.connected && lives(ground) && isSettled(ground, sent)
    quietSince = isQuiet ? quietSince || performance.now() : 0
    if (quietSince > 0 && performance.now() - quietSince > QUIET_MS) return spent()
    if (performance.now() > end) throw new Error(`generation ${sent.n} did not end, and nobody died`)
    await wait(10)
  }
}

/** It ended, one way or the other; or another worker says what holds. */
function isSettled({ server: { last } }: Ground, { n, boot }: Sent): boolean {
  const state = last.applied?.state as string | undefined
  if (state === 'applying' || state === 'confirming') return false
  return last.boot !== boot || last.applied?.generation.n === n
}

async function killByHand(ground: Ground, { victim, afterShare = 0 }: Trial): Promise<boolean> {
  await wait(afterShare * ground.applyMs)
  const worker = workerOf(ground.supervisor)
  if (victim !== 'worker') process.kill(ground.supervisor.pid!, 'SIGKILL')
  if (victim !== 'supervisor' && worker !== null) process.kill(worker, 'SIGKILL')
  return victim !== 'worker' || worker !== null
}

/** The worker that spoke last is a child of the supervisor there is: `boot` of this bench's worker begins with its pid. */
function lives(ground: Ground): boolean {
  if (ground.which === 'agent') return !isDead(ground)
  const [pid = ''] = ground.server.last.boot.split('.')
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state !== 'Z' && Number(parent) === ground.supervisor.pid
  } catch {
    return false
  }
}
