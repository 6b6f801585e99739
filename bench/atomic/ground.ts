/**
 * A range whose agent wears two personas in turn, and one comparable text of everything it changed: what each driver's kills
 * are tried on. `drivers.ts` says what stands on it.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { AgentState, DesiredState } from '../../src/model/desired.ts'
import type { DriverName } from '../../src/model/facets.ts'
import { type FakeServer, startFakeServer } from '../kill/fake-server.ts'
import { makeRange, type Range, until } from '../kill/range.ts'
import { lingers } from './lingers.ts'
import type { Look } from './look.ts'
import { makeSecrets, type Secrets, type Variant } from './persona.ts'

const WORKER = new URL('worker.ts', import.meta.url).pathname
const LOOK = new URL('look.ts', import.meta.url).pathname
const CONFIRM_WITHIN_MS = 120_000
/** A guest under full emulation is asked some times, and takes its time for each. */
const DRAINED_WITHIN_MS = 120_000
const ASK_MS = 200

/** What a driver puts onto a range: the workloads of a state in either variant, and how it is taken off again. */
export type Stand = {
  workloads(state: AgentState, variant: Variant): readonly DesiredState[]
  remove(): Promise<void>
}
export type Which = 'enforcer' | 'agent'
export type Ground = {
  readonly driver: DriverName
  readonly range: Range
  readonly server: FakeServer
  supervisor: ChildProcess
  readonly which: Which
  /** The generation asked for last. */
  n: number
  wears: Variant
  golden: [string, string]
  applyMs: number
  state(n: number, variant: Variant): AgentState
  capture(): Promise<string>
  close(): Promise<void>
}

export async function openGround(
  driver: DriverName,
  tag: string,
  which: Which,
  standOn: (range: Range, secrets: Secrets) => Promise<Stand>,
): Promise<Ground> {
  const range = await makeRange(tag)
  const secrets = await makeSecrets()
  secrets.bring(range.home)
  const stand = await standOn(range, secrets).catch(async (error: Error) => {
    await range.remove()
    throw error
  })
  const server = await startFakeServer(range.socket)
  writeFileSync(range.faults, '')
  const looker = startLooker(range)
  const ground: Ground = {
    driver,
    range,
    server,
    supervisor: start(range, which),
    which,
    n: 0,
    wears: 0,
    golden: ['', ''],
    applyMs: 1_000,
    state(n, variant) {
      const state = { ...range.state(n, variant), confirmWithinMs: CONFIRM_WITHIN_MS }
      return { ...state, workloads: [...stand.workloads(state, variant)] }
    },
    async capture() {
      // Only the journal is asked meanwhile: looks would keep the guest from being drained.
      const isLate = lingers(range.home)
      for (const end = performance.now() + DRAINED_WITHIN_MS; lingers(range.home) && performance.now() < end; )
        await wait(ASK_MS)
      let text = lines(await looker.look()).join('\n')
      // It is written down before it is done.
      for (let before = ''; isLate && text !== before; ) {
        before = text
        text = lines(await looker.look()).join('\n')
      }
      return text
    },
    async close() {
      ground.supervisor.kill('SIGTERM')
      await until('the agent left', 10_000, () => isDead(ground)).catch(() => ground.supervisor.kill('SIGKILL'))
      looker.stop()
      await server.close()
      try {
        await stand.remove()
      } finally {
        await range.remove()
      }
    },
  }
  return ground
}

function lines({ facets, outside, intent, draining, differences }: Look): string[] {
  return [
    ...Object.entries({ ...facets, ...outside }).map(([name, text]) => `${name}: ${text}`),
    `journal: ${intent ? 'an intent is open' : draining ? 'an old address lingers' : 'at rest'}`,
    `verify: ${differences.join('; ') || 'as intended'}`,
  ]
}

function start(range: Range, which: Which): ChildProcess {
  return range.startAgent(which === 'agent' ? {} : { worker: WORKER })
}

export function isDead({ supervisor }: Ground): boolean {
  return supervisor.exitCode !== null || supervisor.signalCode !== null
}

/** As an init would. */
export function revive(ground: Ground): void {
  if (isDead(ground)) ground.supervisor = start(ground.range, ground.which)
}

function startLooker({ router, inventory, home }: Range) {
  const argv = [process.execPath, '--disable-warning=ExperimentalWarning', LOOK, inventory, home]
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    'nsenter',
    [`--net=/run/netns/${router}`, ...argv],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async look(): Promise<Look> {
      child.stdin.write('look\n')
      const { value } = await answers.next()
      const said = JSON.parse(value ?? '{"failed":"the looker ended"}') as Look & { readonly failed?: string }
      if (said.failed !== undefined) throw new Error(`cannot look at ${router}: ${said.failed}`)
      return said
    },
    stop: () => void child.kill('SIGTERM'),
  }
}

/** What a look may say, and no look that others are compared with: two ends of one failure would be equal. */
const SAYS_NOTHING = /^.*: cannot be looked at.*|^journal: (?!at rest).*|^verify: (?!as intended).*/m

/** Golden texts of both variants, and how long a change takes here. Throws when there is nothing in them to compare. */
export async function learnGolden(ground: Ground): Promise<void> {
  const seen: [Set<string>, Set<string>] = [new Set(), new Set()]
  for (const variant of [0, 1, 0, 1, 0] as const) {
    const began = performance.now()
    await wear(ground, variant)
    ground.applyMs = performance.now() - began
    ground.golden[variant] = await ground.capture()
    seen[variant].add(ground.golden[variant])
  }
  for (const [variant, texts] of seen.entries())
    if (texts.size > 1)
      throw new Error(`variant ${variant} has two looks: ${firstDifference([...texts] as [string, string])}`)
  demandSubstance(ground.golden)
}

/** Throws when a comparison with these two could not fail. */
export function demandSubstance(golden: readonly [string, string]): void {
  for (const [variant, text] of golden.entries()) {
    const line = SAYS_NOTHING.exec(text)?.[0]
    if (line !== undefined) throw new Error(`variant ${variant} cannot be compared with: ${line.slice(0, 700)}`)
  }
  if (golden[0] === golden[1]) throw new Error('both variants look the same: nothing would ever be mixed')
}

export function firstDifference([a, b]: readonly [string, string]): string {
  const [left, right] = [a.split('\n'), b.split('\n')]
  const at = left.findIndex((line, i) => line !== right[i])
  return `${left[at]?.slice(0, 700)} | ${right[at]?.slice(0, 700)}`
}

export async function wear(ground: Ground, variant: Variant): Promise<void> {
  const { server } = ground
  await until('the agent listens', 60_000, () => {
    revive(ground)
    return server.connected
  })
  server.whenConfirming = 'confirm'
  const n = ++ground.n
  server.send({ type: 'state', state: ground.state(n, variant) })
  await until(`generation ${n} confirmed`, CONFIRM_WITHIN_MS, () => {
    const applied = server.last.applied
    if (applied?.generation.n !== n) return false
    if ((applied.state as string) === 'refused' || (applied.state as string) === 'rolled-back')
      throw new Error(`generation ${n} ${applied.state}: ${applied.why}`)
    return (applied.state as string) === 'confirmed'
  })
  ground.wears = variant
}
