/**
 * The agent, whole, against the hostile server: namespaces of its own, a floor of its own, every program it runs written down
 * by strace(1) from outside. Abuses go out in bursts; each must come back as a refusal of its own, with its reason.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { AgentConfig } from '../../src/agent.ts'
import { supervisorArgv } from '../../src/cli/supervisor-argv.ts'
import type { AgentState } from '../../src/model/desired.ts'
import { FACETS } from '../../src/model/persona.ts'
import type { AgentReport, WireRefusal } from '../../src/model/wire.ts'
import { loadAuthority } from '../../src/server/authority.ts'
import { makeRange, type Range, until } from '../kill/range.ts'
import type { Abuse, Ground } from './abuses.ts'
import type { Order, Told } from './server.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'] as const
/** The router's own end of the second workload's link: no variant of the range takes it away. */
const SERVER = '10.77.2.1'
const AGENT = 'edge'

export type Outcome = { readonly name: string; readonly reason: string | null }
export type HostileRange = {
  readonly range: Range
  readonly ground: Ground
  /** Every state of `Applied` the agent told of, by generation. */
  readonly applied: ReadonlyMap<number, ReadonlySet<string>>
  order(order: Order): void
  /** Sends them and waits for their refusals, `withinMs` for each burst. */
  abuse(list: readonly Abuse[], withinMs: number): Promise<Outcome[]>
  /** The honest way: sent, confirmed, in force. */
  confirmed(n: number, variant: number): Promise<void>
  /** Programs with their arguments, as the kernel was asked to run them. */
  programs(): string[][]
  close(): Promise<void>
}

export type FloorLimits = { readonly messageBytes: number; readonly rules: number; readonly elements: number }

export async function makeHostileRange(tag: string, limits: FloorLimits): Promise<HostileRange> {
  const range = await makeRange(tag)
  const [approver, stranger] = [newKey(), newKey()]
  const marker = join(range.dir, 'pwned')
  writeHome(range, approver.key, limits)
  const authority = await loadAuthority(join(range.dir, 'keys'), Date.now)
  const shown = await authority.issue([SERVER])
  const chain = shown.cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)!
  writeFileSync(join(range.home, 'server-ca.pem'), new X509Certificate(chain.at(-1)!).toString(), { mode: 0o600 })
  const inside = ['nsenter', `--net=/run/netns/${range.router}`]
  const server = spawn(
    inside[0]!,
    [inside[1]!, ...NODE, join(ROOT, 'bench/hostile/server.ts'), SERVER, shown.key, shown.cert],
    {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  )
  const seen = { port: 0, connected: false, refusals: [] as Unit[], boots: new Set<string>() }
  const applied = new Map<number, Set<string>>()
  server.on('message', (told: Told) => {
    if ('port' in told) seen.port = told.port
    else if ('connected' in told) seen.connected = told.connected
    else take(told.report as AgentReport)
  })
  const take = (report: AgentReport) => {
    seen.boots.add(report.boot)
    for (const refusal of report.refusals ?? []) seen.refusals.push({ refusal, left: refusal.times })
    if (report.applied === null) return
    const { generation, state } = report.applied
    applied.set(generation.n, (applied.get(generation.n) ?? new Set()).add(state as string))
    if (willing === generation.n && (state as string) === 'confirming')
      order({ send: JSON.stringify({ type: 'confirm', generation }) })
  }
  let willing: number | null = null
  const order = (one: Order) => void server.send(one)
  const honest = (n: number, variant = 0) => pinned(range.state(n, variant))
  const trace = join(range.dir, 'strace.txt')
  let agent: ChildProcess | null = null
  const connected = () => until('the agent is connected', 20_000, () => seen.connected)
  try {
    await until('the hostile server listens', 10_000, () => seen.port > 0)
    agent = startTraced(range, `https://${SERVER}:${seen.port}`, trace)
    await connected()
  } catch (error) {
    server.kill('SIGKILL')
    await range.remove()
    throw error
  }

  let next = 1_000
  const burst = async (list: readonly Abuse[], withinMs: number): Promise<Outcome[]> => {
    const waiting = list.map((abuse) => ({ abuse, n: ++next, reason: null as string | null }))
    seen.refusals.length = 0
    await connected()
    for (const { abuse, n } of waiting) for (const one of abuse.orders(n)) order(one)
    const match = () => {
      for (const one of waiting) one.reason ??= claim(seen.refusals, one.abuse.reason, one.n)
      return waiting.every(({ reason }) => reason !== null)
    }
    await until('every abuse is refused', withinMs, match).catch(() => {})
    return waiting.map(({ abuse, reason }) => ({ name: abuse.name, reason }))
  }

  return {
    range,
    applied,
    ground: {
      honest,
      agent: AGENT,
      hostKey: `host:${hostname()}`.slice(0, 128),
      server: SERVER,
      approver,
      stranger,
      now: Date.now(),
      marker,
    },
    order,
    async abuse(list, withinMs) {
      const outcomes: Outcome[] = []
      const shared = list.filter(({ line }) => line === 'shared')
      for (let at = 0; at < shared.length; at += BURST)
        outcomes.push(...(await burst(shared.slice(at, at + BURST), withinMs)))
      for (const own of list.filter(({ line }) => line === 'own')) outcomes.push(...(await burst([own], withinMs)))
      return outcomes
    },
    async confirmed(n, variant) {
      willing = n
      await connected()
      order({ send: JSON.stringify({ type: 'state', state: honest(n, variant) }) })
      await until(`generation ${n} is confirmed`, 20_000, () => applied.get(n)?.has('confirmed') === true)
      willing = null
    },
    programs: () => readTrace(trace),
    async close() {
      try {
        agent?.kill('SIGTERM')
        await until(
          'the agent left',
          10_000,
          () => agent === null || agent.exitCode !== null || agent.signalCode !== null,
        )
        if (server.connected) order({ leave: true })
        await until('the server left', 5_000, () => server.exitCode !== null || server.signalCode !== null)
      } finally {
        // Whoever did not leave in time says why it failed, and leaves nothing behind.
        agent?.kill('SIGKILL')
        server.kill('SIGKILL')
        await range.remove()
      }
    },
  }
}

type Unit = { readonly refusal: WireRefusal; left: number }

/** A refusal speaks for one abuse; one that names a generation, for that abuse only. */
function claim(units: readonly Unit[], pattern: RegExp, n: number): string | null {
  const found = units.find(({ refusal, left }) => {
    if (left === 0 || !pattern.test(`${refusal.pointer} ${refusal.reason}`)) return false
    const named = /^generation (\d+): /.exec(refusal.reason)
    return named === null || Number(named[1]) === n || Number(named[1]) < 1_000
  })
  if (found === undefined) return null
  found.left--
  return `${found.refusal.pointer} ${found.refusal.reason}`.trim()
}

/** The agent keeps 50 refusals for one report, and lets 50 messages wait. */
const BURST = 25

const PINNED: AgentState['failSafe'][number] = {
  id: 'failsafe/dns-udp',
  direction: 'egress',
  match: { peer: { kind: 'any' }, service: { protocol: 'udp', from: 53, to: 53 } },
  why: { rule: 'failsafe/dns-udp', text: 'names can always be looked up' },
}

/** Rules, addresses and resolvers are enough here: what a facet does is not what is tried. */
function pinned(state: AgentState): AgentState {
  const workloads = state.workloads.map(({ workload, key, persona, egress, ingress, containment, network, dns }) => ({
    ...{ workload, key, persona, egress, ingress, containment },
    ...(network === undefined ? {} : { network }),
    ...(dns === undefined ? {} : { dns }),
  }))
  return { ...state, workloads, failSafe: [PINNED] }
}

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { key: `ed25519:${publicKey.export({ format: 'jwk' }).x}`, privateKey }
}

function writeHome(range: Range, approver: string, limits: FloorLimits): void {
  mkdirSync(range.home, { recursive: true, mode: 0o700 })
  writeFileSync(join(range.home, 'id'), JSON.stringify({ id: AGENT, token: 'hostile' }), { mode: 0o600 })
  const floor = {
    version: 1,
    facets: FACETS.filter((facet) => facet !== 'packages'),
    protected: [{ name: 'management', cidr: '203.0.113.0/24', reach: 'ingress', protocol: 'tcp', port: 22 }],
    limits: { ...limits, changesPerMinute: 500, containedFor: '1d', confirmWithin: '10m' },
    leastMode: 'enforce',
    approvals: { keys: { kim: approver } },
  }
  // JSON is YAML.
  writeFileSync(join(range.home, 'floor.yaml'), JSON.stringify(floor), { mode: 0o600 })
}

/** `-D`: strace is the grandchild, so that what is started here is the agent, and gets its signals. */
function startTraced(range: Range, server: string, trace: string): ChildProcess {
  const config: AgentConfig = {
    inventory: range.inventory,
    server,
    caFingerprint: null,
    mode: 'enforce',
    home: range.home,
    id: AGENT,
    hostDriver: 'host',
    follow: 'same-system',
    sources: [],
  }
  const strace = ['-D', '-f', '-qq', '--seccomp-bpf', '-e', 'trace=execve', '-s', '400', '-o', trace]
  const argv = [`--net=/run/netns/${range.router}`, ...supervisorArgv(config, { longestPauseMs: 100 })]
  return spawn('strace', [...strace, 'nsenter', ...argv], {
    stdio: ['ignore', 'ignore', process.env.GUISE_RANGE_LOG === '1' ? 'inherit' : 'ignore'],
  })
}

/** `123 execve("/usr/sbin/nft", ["nft", "-f", "-"], 0x… ) = 0`; attempts along PATH that found nothing are none. */
export function readTrace(path: string): string[][] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.includes('execve("') && !/ = -1 ENOENT/.test(line))
    .map((line) => {
      const [, program, list] = /execve\("([^"]*)", \[(.*?)\](?:\.\.\.)?, 0x/.exec(line) ?? [null, line, '']
      const words = [...list!.matchAll(/"((?:[^"\\]|\\.)*)"(?:\.\.\.)?/g)].map(([, word]) => word!)
      return [program!, ...words.slice(1)]
    })
}

/** The rules in the kernel of the range, with what ends by itself. */
export function tableText(range: Range): string {
  return execFileSync('ip', ['netns', 'exec', range.router, 'nft', 'list', 'table', 'inet', 'guise'], {
    stdio: 'pipe',
  }).toString()
}
