/**
 * The other half of the range: a real server with its database above a real agent, and the server or the database killed
 * while a shift is applied and a client writes. Once calm, kernel, journal and record must say the same, and all that was
 * acknowledged must be there once.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { readInventory } from '../../src/agent/inventory.ts'
import { compileAgent } from '../../src/compile/nft.ts'
import { openJournal } from '../../src/enforce/journal.ts'
import { bindingsOf } from '../../src/enforce/snapshot-of.ts'
import type { Verification } from '../../src/enforce/verify.ts'
import type { AgentId } from '../../src/model/ids.ts'
import type { PlanSummary } from '../../src/model/plan-summary.ts'
import type { AgentRecord, PlanRecord } from '../../src/model/records.ts'
import { SERVER_SITES, type ServerSite } from '../../src/server/fault.ts'
import { type Installation, startInstallation } from './installation.ts'
import { makeRange, type Range, until } from './range.ts'
import { createWriter, personaNamed, settingsOf, type Writer } from './writer.ts'

export type ControlPlaneVictim = 'server' | 'database'
export type ControlPlaneTrial = {
  readonly victim: ControlPlaneVictim
  /** A named step, or after this share of what an apply takes here. */
  readonly at: ServerSite | number
}
export type Verdict = {
  /** False when the apply went by without passing the step. */
  readonly killed: boolean
  /** Kill to calm, ms. */
  readonly restoreMs: number
  /** What kernel, journal and record say differently; empty = not mixed. */
  readonly mixed: readonly string[]
  readonly lost: readonly string[]
  readonly doubled: readonly string[]
}
export type ControlPlane = {
  tryOut(trial: ControlPlaneTrial): Promise<Verdict>
  readonly acknowledged: number
  close(): Promise<void>
}

const WORN = ['Range A', 'Range B'] as const
const AGENT = 'range' as AgentId
/** Restart, reconnection with its back-off, the agent's own deadline, one clock tick of the server. */
const CALM_WITHIN_MS = 45_000
/** The launcher counts five deaths a minute before it gives up; a fresh server counts from none. */
const DATABASE_KILLS_PER_SERVER = 3

export function controlPlaneTrials(
  victims: readonly ControlPlaneVictim[],
  random: () => number,
  randomPoints: number,
): ControlPlaneTrial[] {
  const points = Array.from({ length: randomPoints }, () => random() * 1.2)
  // In turn: whoever kills the database often gets a fresh launcher in between.
  return [...SERVER_SITES, ...points].flatMap((at) => victims.map((victim) => ({ victim, at })))
}

/** `warmUps`: what is worn, in turn, before the first kill; each of the two at least once, twice to be sure that it reads the same. */
export async function startControlPlane(
  tag: string,
  { warmUps = [0, 1, 0, 1, 0] }: { readonly warmUps?: readonly (0 | 1)[] } = {},
): Promise<ControlPlane> {
  const range = await makeRange(tag)
  let server: Installation | null = null
  try {
    server = await startInstallation(range.dir)
    return await onRange(range, server, warmUps)
  } catch (error) {
    await server?.close()
    await range.remove()
    throw error
  }
}

type Ground = {
  readonly range: Range
  readonly server: Installation
  readonly writer: Writer
  /** Normalised kernel state by what is worn. */
  readonly golden: Map<string, string>
  applyMs: number
  wears: 0 | 1
  generation: number
  databaseKills: number
}

async function onRange(range: Range, server: Installation, warmUps: readonly (0 | 1)[]): Promise<ControlPlane> {
  const agent = range.startAgent({ hostDriver: 'none', socket: server.socket })
  const close = async () => {
    agent.kill('SIGTERM')
    await until('the agent left', 8_000, () => agent.exitCode !== null || agent.signalCode !== null).catch(() =>
      agent.kill('SIGKILL'),
    )
    await server.close()
    await range.remove()
  }
  const ground: Ground = {
    range,
    server,
    writer: createWriter(server),
    golden: new Map(),
    applyMs: 500,
    wears: 0,
    generation: 0,
    databaseKills: 0,
  }
  try {
    await prepare(ground, warmUps)
  } catch (error) {
    await close()
    throw error
  }
  return {
    tryOut: (trial) => tryOut(ground, trial),
    get acknowledged() {
      return ground.writer.acknowledged
    },
    async close() {
      await ground.writer.pause()
      await close()
    },
  }
}

/** Every state that a trial may end in is worn once and remembered. */
async function prepare(ground: Ground, warmUps: readonly (0 | 1)[]): Promise<void> {
  const { server, range } = ground
  await server.insist('PUT', '/v1/settings', settingsOf(0), { 'if-match': '"0"' })
  for (const [i, name] of WORN.entries())
    await server.insist('POST', '/v1/personas', personaNamed(name, 1_000 + 100 * i, `10.77.53.5${i}`))
  await until('the agent has reported its workloads', 30_000, async () => {
    const { items } = await server.get<{ items: unknown[] }>('/v1/workloads')
    return items.length >= 3
  })
  await calm(ground)
  for (const round of warmUps) {
    const began = performance.now()
    await ground.writer.shift('wa', WORN[round])
    await calm(ground)
    ground.applyMs = performance.now() - began
    ground.wears = round
    const text = await range.capture()
    const before = ground.golden.get(WORN[round])
    if (before !== undefined && before !== text) throw new Error(`the same state of ${WORN[round]} reads differently`)
    ground.golden.set(WORN[round], text)
  }
  ground.writer.resume()
}

async function tryOut(ground: Ground, { victim, at }: ControlPlaneTrial): Promise<Verdict> {
  const { server, writer } = ground
  if (victim === 'database' && ++ground.databaseKills > DATABASE_KILLS_PER_SERVER) {
    await writer.pause()
    await server.restart()
    await calm(ground)
    writer.resume()
    ground.databaseKills = 1
  }
  if (victim === 'server') ground.databaseKills = 0
  const pid = victim === 'server' ? server.serverPid : server.databasePid
  if (typeof at === 'string') server.arm(at, victim)
  const wanted = (1 - ground.wears) as 0 | 1
  // Awaited below; a refusal must not end the process meanwhile.
  const asked = Promise.allSettled([writer.shift('wa', WORN[wanted]), writer.persona()])
  if (typeof at === 'number') {
    await new Promise((resolve) => setTimeout(resolve, at * ground.applyMs))
    process.kill(pid, 'SIGKILL')
  } else {
    await until('the step is passed', 10_000, () => !server.isArmed).catch(() => {})
  }
  const killed = !server.isArmed
  server.disarm()
  const killedAt = performance.now()
  await until('the killed one is back', 30_000, () => {
    const now = victim === 'server' ? server.serverPid : databasePidOf(server)
    return !killed || now !== pid
  })
  await server.ready(30_000)
  const refused = (await asked).flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
  const stuck = await calm(ground).then(
    () => refused,
    (error: Error) => [...refused, error.message],
  )
  const restoreMs = performance.now() - killedAt
  await writer.pause()
  const [mixed, { lost, doubled }, chain] = await Promise.all([
    disagreements(ground),
    writer.audit(),
    server.get<{ ok: boolean; why?: string }>('/v1/audit/verify'),
  ])
  writer.resume()
  return {
    killed,
    restoreMs,
    mixed: [...stuck, ...mixed],
    lost: chain.ok ? lost : [...lost, `the ledger does not verify: ${chain.why}`],
    doubled,
  }
}

function databasePidOf(server: Installation): number {
  try {
    return server.databasePid
  } catch {
    return 0
  }
}

async function plansOf(server: Installation): Promise<{ newest: PlanSummary[]; target: PlanSummary | undefined }> {
  const { items } = await server.get<{ items: PlanSummary[] }>('/v1/plans?limit=20')
  return { newest: items, target: items.find(({ state }) => state === 'confirmed') }
}

/** Whole: the list has no rules. */
async function targetOf(server: Installation): Promise<PlanRecord | null> {
  const { target } = await plansOf(server)
  return target === undefined ? null : await server.get<PlanRecord>(`/v1/plans/${target.plan.id}`)
}

/** Nothing under way, and the agent is confirmed at the target's generation: said by it, and in its journal. */
async function calm({ server, range }: Ground): Promise<void> {
  const journal = openJournal(range.home)
  let last = ''
  let quietSince = 0
  await until('calm', CALM_WITHIN_MS, async () => {
    const said = await Promise.all([plansOf(server), server.get<AgentRecord>(`/v1/agents/${AGENT}`)]).catch(() => null)
    if (said === null) return false
    const [{ newest, target }, agent] = said
    const underWay = newest.find(({ state }) => ['proposed', 'approved', 'applying', 'confirming'].includes(state))
    const n = target?.plan.generation.n
    last = `under way ${underWay?.plan.generation.n} ${underWay?.state}, target ${n}, journal ${journal.confirmed()?.generation.n}, agent ${agent.applied?.generation.n} ${agent.applied?.state}`
    const isQuiet =
      target !== undefined &&
      underWay === undefined &&
      journal.confirmed()?.generation.n === n &&
      journal.intent() === null &&
      agent.applied !== null
    if (!isQuiet) quietSince = 0
    else if (quietSince === 0) quietSince = Date.now()
    // What the server knows of the agent may be from before: it says so itself, or reports once more.
    const isFresh = agent.applied?.generation.n === n && agent.applied?.state === 'confirmed'
    return isQuiet && (isFresh || (agent.lastReport ?? 0) > quietSince)
  }).catch((error: Error) => {
    throw new Error(`${error.message} (${last})`)
  })
}

async function disagreements(ground: Ground): Promise<string[]> {
  const { range, server, golden } = ground
  const [target, agent, kernel, inside, journal] = await Promise.all([
    targetOf(server),
    server.get<AgentRecord>(`/v1/agents/${AGENT}`),
    range.capture(),
    verifyInside(range),
    openJournal(range.home).confirmed(),
  ])
  const state = target?.plan.agents[AGENT]
  if (target === null || state === undefined) return ['the record has no target for the agent']
  const said: string[] = []
  const worn = state.workloads.find(({ key }) => key.endsWith('wa'))?.persona.name ?? ''
  if (kernel !== golden.get(worn)) said.push(`the kernel does not hold exactly ${worn}`)
  const { hash } = compileAgent(state, bindingsOf(readInventory(range.inventory, 'none', range.home), state))
  for (const [who, theirs] of Object.entries({
    agent: agent.applied?.hash,
    journal: inside.hash,
    kernel: inside.kernelHash,
  }))
    if (theirs !== hash) said.push(`hash by ${who} ${theirs}, compiled from the target ${hash}`)
  if (!inside.ok || inside.pending) said.push(`verify: ${inside.differences.join('; ') || 'a change is waiting'}`)
  const n = state.generation.n
  if (journal?.generation.n !== n)
    said.push(`generation ${n} is the target, the journal holds ${journal?.generation.n}`)
  if (n < ground.generation) said.push(`generation went back from ${ground.generation} to ${n}`)
  ground.generation = Math.max(n, ground.generation)
  ground.wears = worn === WORN[1] ? 1 : 0
  return said
}

async function verifyInside(range: Range): Promise<Verification> {
  const script = new URL('verify-inside.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)('nsenter', [
    `--net=/run/netns/${range.router}`,
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    script,
    range.home,
  ])
  return JSON.parse(stdout) as Verification
}
