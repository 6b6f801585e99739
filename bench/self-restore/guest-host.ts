/**
 * A whole emulated host that runs the agent, and its control plane on the other end of its cable, over TLS. A persona is
 * confirmed; another is pushed; the control plane goes off; the machine is reset while that one waits. Out: what was not as
 * it should be, seen from outside by packets at every moment, and afterwards by the guest's own agent.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { buildHostImage } from '../../guest/host-image.ts'
import { runInGuest } from '../../src/enforce/drivers/qemu/guest-agent.ts'
import { machineFrom, qemuArguments, socketsOf } from '../../src/enforce/drivers/qemu/machine.ts'
import { openTalk } from '../../src/enforce/drivers/qemu/talk.ts'
import type { AgentState, DesiredState, RuleList } from '../../src/model/desired.ts'
import type { AgentReport } from '../../src/model/wire.ts'
import { loadAuthority } from '../../src/server/authority.ts'
import type { Order, Told } from '../hostile/server.ts'
import { until } from '../kill/range.ts'
import { addressOf, HOME, layOver, makeDisk, WORKLOADS } from './guest-disk.ts'
import { startKnocking } from './knocking.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'] as const
const SERVER = '10.79.0.1'
/** Emulated, every step takes its time; on a machine that is busy besides, all the more. */
const PATIENCE_MS = 900_000
const PENDING_MS = 3_000_000

function stateOf(n: number, which: 'confirmed' | 'pending'): AgentState {
  const isConfirmed = which === 'confirmed'
  const from = isConfirmed ? 2_000 : 2_100
  const list: RuleList = {
    rules: [
      {
        verdict: 'allow',
        match: { peer: { kind: 'cidr', cidr: `${SERVER}/32` }, service: { protocol: 'tcp', from, to: from + 9 } },
        why: { rule: `knock/${from}`, text: 'whoever is outside may' },
      },
    ],
    otherwise: 'deny',
    why: { rule: 'default-deny', text: 'nothing else may' },
  }
  const workloads = WORKLOADS.map(
    (key, i): DesiredState => ({
      workload: key,
      key,
      persona: { id: which, name: which, version: 1 },
      egress: { ...list, rules: [] },
      ingress: list,
      network: { addresses: [`${addressOf(i, isConfirmed ? 5 : 66)}/24`], gateways: [addressOf(i, 1)] },
      dns: { servers: [isConfirmed ? SERVER : '192.0.2.53'], search: [] },
      containment: null,
    }),
  )
  const rest = { sets: [], neverBlock: [], failSafe: [], confirmWithinMs: PENDING_MS }
  return { generation: { system: 'guest', timeline: 1, n }, plan: `plan-${n}`, mode: 'enforce', workloads, ...rest }
}

export type RealReboot = {
  /** Empty = restored. */
  readonly faults: readonly string[]
  /** From the power on, and from the reset, to a guest that answers as it should. */
  readonly bootMs: number
  readonly restoreMs: number
}

/** `without`: units left out, of which the judge must tell. */
export async function realReboot(say: (line: string) => void, without: readonly string[]): Promise<RealReboot> {
  const dir = mkdtempSync(join(tmpdir(), 'guise-guest-host-'))
  const evidence = mkdtempSync(join(tmpdir(), 'guise-guest-evidence-'))
  let isClean = false
  const namespace = `guiseh${process.pid.toString(36)}`
  const uuid = randomUUID()
  const children: ChildProcess[] = []
  try {
    makeOutside(namespace)
    const server = await startServer(namespace, dir)
    children.push(server.child)
    const image = layOver(await buildHostImage(), dir, `https://${SERVER}:${server.port}`, without)
    const disk = makeDisk(dir, server.ca)
    const began = performance.now()
    children.push(startMachine(uuid, namespace, image, disk, join(evidence, 'console')))
    const knocks = startKnocking(namespace, join(evidence, 'knocks'))
    children.push(...knocks.children)
    await until('the agent in the guest is connected', PATIENCE_MS, () => server.connected)
    const bootMs = performance.now() - began
    say(`the guest is up and its agent connected after ${Math.round(bootMs / 1_000)} s`)
    server.order({ send: JSON.stringify({ type: 'state', state: stateOf(1, 'confirmed') }) })
    await until('generation 1 waits', PATIENCE_MS, () => server.said(1, 'confirming'))
    server.order({ send: JSON.stringify({ type: 'confirm', generation: stateOf(1, 'confirmed').generation }) })
    await until('generation 1 is confirmed', PATIENCE_MS, () => server.said(1, 'confirmed'))
    await until('it answers as confirmed', PATIENCE_MS, () => knocks.shows('confirmed'))
    knocks.forget()
    server.order({ send: JSON.stringify({ type: 'state', state: stateOf(2, 'pending') }) })
    await until('generation 2 waits', PATIENCE_MS, () => server.said(2, 'confirming'))
    await until('it answers as pending', PATIENCE_MS, () => knocks.shows('pending'))
    say('the persona that waits answers; now the control plane goes off, and the machine is reset')
    const before = await seenAtLast(uuid)
    server.order({ leave: true })
    const reset = performance.now()
    knocks.note('reset')
    await systemReset(uuid)
    knocks.note('reset is told')
    // What was answered just before is told until now; it boots for a minute.
    await wait(3_000)
    knocks.forget()
    await until('it answers as confirmed again', PATIENCE_MS, () => knocks.shows('confirmed'))
    const restoreMs = performance.now() - reset
    say(`confirmed again ${Math.round(restoreMs / 1_000)} s after the reset`)
    const after = await seenAtLast(uuid, ({ journal }) => !journal.includes('intent.json'))
    const faults = [...judged(before, after), ...knocks.faults()]
    isClean = faults.length === 0
    return { faults, bootMs, restoreMs }
  } finally {
    if (isClean && process.env.GUISE_RANGE_LOG !== '1') rmSync(evidence, { recursive: true })
    else say(`its console, and every knock: ${evidence}`)
    for (const child of children.reverse()) child.kill('SIGKILL')
    await until('they ended', 10_000, () => children.every((one) => one.exitCode !== null || one.signalCode !== null))
    rmSync(dirname(socketsOf(uuid).monitor), { recursive: true, force: true })
    execFileSync('ip', ['netns', 'del', namespace])
    rmSync(dir, { recursive: true, force: true })
  }
}

function makeOutside(namespace: string): void {
  execFileSync('ip', ['netns', 'add', namespace])
  const lines = [
    'link set lo up',
    'tuntap add dev gq0 mode tap',
    `addr add ${SERVER}/24 dev gq0`,
    'link set gq0 up',
    ...WORKLOADS.map((_, i) => `route add ${addressOf(i, 0)}/24 via 10.79.0.2`),
  ]
  execFileSync('ip', ['-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n`, stdio: 'pipe' })
}

async function startServer(namespace: string, dir: string) {
  const authority = await loadAuthority(join(dir, 'keys'), Date.now)
  const { key, cert } = await authority.issue([SERVER])
  const chain = cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)!
  const argv = [`--net=/run/netns/${namespace}`, ...NODE, join(ROOT, 'bench/hostile/server.ts'), SERVER, key, cert]
  const child = spawn('nsenter', argv, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const heard = { port: 0, connected: false, states: new Set<string>() }
  child.on('message', (told: Told) => {
    if ('port' in told) heard.port = told.port
    else if ('connected' in told) heard.connected = told.connected
    else {
      const { applied } = told.report as AgentReport
      if (applied !== null) heard.states.add(`${applied.generation.n} ${applied.state}`)
      const why = applied?.why
      if (why !== undefined && process.env.GUISE_RANGE_LOG === '1') process.stderr.write(`guest: ${why}\n`)
    }
  })
  await until('the server listens', 30_000, () => heard.port > 0)
  return {
    child,
    port: heard.port,
    ca: new X509Certificate(chain.at(-1)!).toString(),
    get connected() {
      return heard.connected
    },
    said: (n: number, state: string) => heard.states.has(`${n} ${state}`),
    order: (order: Order) => void child.send(order),
  }
}

function startMachine(
  uuid: string,
  namespace: string,
  image: { kernel: string; initrd: string; append: string },
  disk: string,
  console: string,
) {
  const definition = {
    ...{ uuid, name: 'guest-host', memoryMb: 1_024, cpus: 2, face: 'gq0', gateways: [], addresses: [] },
    ...{ mac: '52:54:00:00:79:02', accelerator: 'tcg', clonedFrom: null },
    boot: { from: 'kernel', ...image },
  }
  mkdirSync(dirname(socketsOf(uuid).monitor), { recursive: true, mode: 0o700 })
  // A reset is what is wanted here.
  const argv = qemuArguments(machineFrom(definition, 'the host of the bench'), 'tcg', { disk, incoming: null })
    .filter((word) => word !== '-no-reboot')
    .map((word) => (word.startsWith('ringbuf,id=console') ? `file,id=console,path=${console}` : word))
    // Emulated by several threads at once, some starts of Node end in a crash of V8's (5 of 42; by one thread 0 of 37).
    .map((word) => word.replace('thread=multi', 'thread=single'))
  return spawn('nsenter', [`--net=/run/netns/${namespace}`, 'qemu-system-x86_64', ...argv], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** QMP; the drivers never reset a machine, so their list of commands has none. */
async function systemReset(uuid: string): Promise<void> {
  const talk = await openTalk({ path: socketsOf(uuid).monitor, withinMs: 10_000 })
  try {
    await talk.hear('greeting', (said) => 'QMP' in said, 10_000)
    for (const execute of ['qmp_capabilities', 'system_reset'])
      await talk.ask({ execute }, (said) => 'return' in said, 10_000)
  } finally {
    talk.close()
  }
}

type Seen = { readonly boot: string; readonly journal: string; readonly resolvers: readonly string[] }

async function seen(uuid: string): Promise<Seen> {
  const agent = socketsOf(uuid).agent
  const cat = (path: string) => runInGuest(agent, 'cat', [path])
  const resolvers: string[] = []
  for (const name of WORKLOADS) resolvers.push(await cat(`/etc/netns/${name}/resolv.conf`))
  const boot = await cat('/proc/sys/kernel/random/boot_id')
  return { boot, journal: await runInGuest(agent, 'ls', [`${HOME}/journal`]), resolvers }
}

/** Whoever is emulated, and starts everything at once, does not always answer in time. */
async function seenAtLast(uuid: string, isIt: (seen: Seen) => boolean = () => true): Promise<Seen> {
  let found: Seen | null = null
  await until('the guest tells what was waited for', PATIENCE_MS, async () => {
    found = await seen(uuid).catch(() => null)
    return found !== null && isIt(found)
  })
  return found!
}

function judged(before: Seen, after: Seen): string[] {
  return [
    ...(before.boot === after.boot ? ['the guest did not boot'] : []),
    ...(before.journal.includes('intent.json') ? [] : ['nothing was pending when it was reset']),
    ...(before.resolvers.every((text) => text.includes('192.0.2.53')) ? [] : ['the pending resolver was not worn']),
    ...(after.resolvers.every((text) => text.includes(SERVER) && !text.includes('192.0.2.53'))
      ? []
      : ['the pending resolver outlived the boot']),
  ]
}
