/**
 * A firing range for the agent: a router and three workloads in namespaces of their own, the files an agent wants, states
 * in two variants that differ in every facet, and the whole kernel state as one comparable text.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeNamespaces, removeNamespace, run } from '../../lab/namespace.ts'
import { type LabPlan, namespaceOf, namespacesOf } from '../../lab/topology.ts'
import { inventoryOf } from '../../lab/up.ts'
import type { AgentConfig } from '../../src/agent.ts'
import { supervisorArgv } from '../../src/cli/supervisor-argv.ts'
import type { AgentState, DesiredState, RuleList } from '../../src/model/desired.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const AGENT = join(ROOT, 'src/agent.ts')

export type Range = {
  readonly dir: string
  readonly plan: LabPlan
  readonly router: string
  readonly home: string
  readonly inventory: string
  readonly faults: string
  readonly socket: string
  /** Folders of the cgroups of the first workload. */
  readonly groups: readonly string[]
  /** `variant` 0 or 1: other rules, addresses and resolvers; same generation numbering. */
  state(n: number, variant: number): AgentState
  /** Kernel, addresses, routes and resolver files, without what only counts or ticks. */
  capture(): Promise<string>
  startAgent(options?: {
    readonly mode?: AgentConfig['mode']
    readonly hostDriver?: 'host' | 'none'
    /** Of a server that is not the fake one. */
    readonly socket?: string
    /** Module of another worker than the agent. */
    readonly worker?: string
  }): ChildProcess
  remove(): Promise<void>
}

export async function makeRange(tag: string): Promise<Range> {
  const prefix = `guise${tag}${process.pid.toString(36)}`.slice(0, 11)
  const workload = (name: string) => ({ name, persona: 'Idle' as const, declared: false, app: 'range', programs: [] })
  const plan: LabPlan = { prefix, seed: 1, workloads: ['wa', 'wb', 'wc'].map(workload) }
  const dir = mkdtempSync(join(tmpdir(), 'guise-range-'))
  const home = join(dir, 'home')
  const router = namespaceOf(prefix, 'r')
  const spaces = plan.workloads.map(({ name }) => namespaceOf(prefix, name))
  const groups = spaces.flatMap(makeGroups)
  const remove = async () => {
    for (const namespace of namespacesOf(plan)) await removeNamespace(namespace)
    for (const folder of groups) rmdirSync(folder)
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await makeNamespaces(plan)
  } catch (error) {
    await remove()
    throw error
  }
  for (const namespace of spaces) {
    mkdirSync(`/etc/netns/${namespace}`, { recursive: true })
    writeFileSync(`/etc/netns/${namespace}/resolv.conf`, 'nameserver 10.77.53.53\n')
  }
  const inventory = join(dir, 'inventory.json')
  writeFileSync(inventory, JSON.stringify(inventoryOf(plan, 'netns')))
  writeFileSync(
    join(dir, 'namespaces.json'),
    JSON.stringify(Object.fromEntries(spaces.map((name) => [name, `/run/netns/${name}`]))),
  )
  writeFileSync(
    join(dir, 'places.json'),
    JSON.stringify(Object.fromEntries(spaces.map((name) => [name, { cgroup: `/${name}` }]))),
  )
  const [faults, socket] = [join(dir, 'faults'), join(dir, 'server.sock')]
  return {
    dir,
    plan,
    router,
    home,
    inventory,
    faults,
    socket,
    groups: groups.filter((folder) => folder.endsWith(spaces[0]!)),
    state: (n, variant) => stateOf(spaces, n, variant),
    capture: () => captureAll(router, spaces, groups),
    startAgent({ mode = 'enforce', hostDriver = 'host', socket: at = socket, worker = AGENT } = {}) {
      const config: AgentConfig = {
        inventory,
        server: `unix:${at}`,
        caFingerprint: null,
        mode,
        home,
        id: 'range',
        hostDriver,
        follow: 'same-system',
        sources: [],
      }
      const argv = supervisorArgv(config, { worker, longestPauseMs: 100 })
      return spawn('nsenter', [`--net=/run/netns/${router}`, ...argv], {
        env: { ...process.env, GUISE_FAULT: faults },
        stdio: ['ignore', 'ignore', process.env.GUISE_RANGE_LOG === '1' ? 'inherit' : 'ignore'],
      })
    },
    remove,
  }
}

/** A cgroup for each workload, in whichever layout this host has the controllers. */
function makeGroups(name: string): string[] {
  const found = ['cpu', 'memory', 'unified', ''].map((mount) => join('/sys/fs/cgroup', mount))
  const mounts = found.filter((mount) => existsSync(join(mount, 'cgroup.procs')))
  for (const mount of mounts) mkdirSync(join(mount, name), { recursive: true })
  return mounts.map((mount) => join(mount, name))
}

function stateOf(spaces: readonly string[], n: number, variant: number): AgentState {
  const rules = (port: number, direction: string): RuleList => ({
    rules: [
      {
        verdict: 'allow',
        match: { peer: { kind: 'set', set: 'friends' }, service: { protocol: 'tcp', from: port, to: port + 9 } },
        why: { rule: `range/${direction}/${port}`, text: 'friends may' },
      },
    ],
    otherwise: 'deny',
    why: { rule: 'default-deny', text: 'nothing else may' },
  })
  const workloads = spaces.map(
    (key, i): DesiredState => ({
      workload: `w${i}`,
      key,
      persona: { id: `p${variant}`, name: `P${variant}`, version: 1 },
      egress: rules(1_000 + 100 * variant + i, 'egress'),
      ingress: rules(2_000 + 100 * variant, 'ingress'),
      containment: null,
      ...(i === 0 && variant === 1
        ? { network: { addresses: ['10.99.0.5/24', 'fd99::5/64'], gateways: ['10.99.0.1', 'fd99::1'] } }
        : {}),
      ...(i === 0 ? facetsOf(variant) : {}),
      ...(i === 2 && variant === 1 ? facetsOf(1, 8_100) : {}),
      ...(i === 1 ? { dns: { servers: [`10.77.53.5${variant}`], search: [`v${variant}.lab.internal`] } } : {}),
    }),
  )
  return {
    generation: { system: 'range', timeline: 1, n },
    plan: `plan-${n}`,
    mode: 'enforce',
    workloads,
    sets: [{ name: 'friends', members: variant === 0 ? ['10.77.1.2', '10.77.2.2'] : ['10.77.3.2', '10.99.0.0/24'] }],
    neverBlock: ['203.0.113.1'],
    failSafe: [],
    confirmWithinMs: 3_000,
  }
}

/** What both variants wear in other values; the workload that has it in one alone tells whether it comes off. */
function facetsOf(variant: number, port = 8_080): Partial<DesiredState> {
  const rate = (mbit: number) => ({ rate: mbit * 1_000_000, ceiling: (mbit + variant) * 1_000_000 })
  return {
    bandwidth: { down: rate(50 + variant), up: rate(20 + variant), ...(variant === 1 ? { priority: 'high' } : {}) },
    cpu: { cores: 0.5 + variant, weight: 50 + variant },
    memory: { maxBytes: (64 + variant) << 20 },
    egressAddress: { addresses: [`203.0.113.${20 + variant}`], except: variant === 1 ? ['10.77.0.0/16'] : [] },
    publishedPorts: [
      { protocol: 'tcp', port, to: 80 + variant },
      { protocol: 'udp', port: port + variant, to: 53 },
    ],
  }
}

const LIMITS = ['cpu.cfs_quota_us', 'cpu.shares', 'cpu.max', 'cpu.weight', 'memory.limit_in_bytes', 'memory.max']

export async function captureAll(
  router: string,
  spaces: readonly string[],
  groups: readonly string[],
): Promise<string> {
  const table = await run('ip', ['netns', 'exec', router, 'nft', '-j', 'list', 'table', 'inet', 'guise']).catch(
    () => '{"nftables":[]}',
  )
  const side = await run('ip', ['netns', 'exec', router, 'nft', '-j', 'list', 'table', 'inet', 'guise_nat']).catch(
    () => '{"nftables":[]}',
  )
  const parts = [table, side].map((json) => comparable(JSON.parse(json) as { nftables: object[] }))
  parts.push(
    await run('ip', ['-n', router, '-o', 'link', 'show', 'type', 'ifb']).then((text) =>
      text.replace(/^\d+:/gm, '').replace(/link\/ether \S+/g, ''),
    ),
  )
  const shaped = (await run('ip', ['netns', 'exec', router, 'tc', 'qdisc', 'show'])).split('\n')
  parts.push(
    shaped
      .map((line) => line.replace(/refcnt \d+|direct_packets_stat \d+/g, ''))
      .sort()
      .join('\n'),
  )
  for (const device of new Set(shaped.flatMap((line) => / dev (\S+) /.exec(line)?.[1] ?? [])))
    for (const what of [
      ['class', 'show'],
      ['filter', 'show'],
    ])
      parts.push(
        await run('ip', [
          'netns',
          'exec',
          router,
          'tc',
          ...what,
          'dev',
          device,
          ...(what[0] === 'filter' ? ['ingress'] : []),
        ]).then((text) => text.replace(/index \d+.*|fh \S+/g, '')),
      )
  for (const folder of groups)
    parts.push(
      LIMITS.map((name) => join(folder, name))
        .filter((path) => existsSync(path))
        .map((path) => `${path} ${readFileSync(path, 'utf8').trim()}`)
        .join('\n'),
    )
  for (const namespace of [router, ...spaces]) {
    const addresses = JSON.parse(await run('ip', ['-n', namespace, '-j', 'addr'])) as {
      ifname: string
      addr_info: Record<string, unknown>[]
    }[]
    for (const { ifname, addr_info } of addresses)
      parts.push(
        `${namespace} ${ifname} ${addr_info
          .filter(({ scope }) => scope === 'global')
          .map(({ local, prefixlen, deprecated }) => `${local}/${prefixlen}${deprecated ? ' deprecated' : ''}`)
          .sort()}`,
      )
    for (const family of ['-4', '-6'])
      parts.push(
        (await run('ip', ['-n', namespace, family, 'route']))
          .split('\n')
          .map((line) => line.trim())
          .sort()
          .join('\n'),
      )
    const resolver = `/etc/netns/${namespace}/resolv.conf`
    if (existsSync(resolver)) parts.push(readFileSync(resolver, 'utf8'))
  }
  return parts.join('\n--\n')
}

export const NOISE = new Set(['handle', 'packets', 'bytes', 'expires', 'used', 'metainfo', 'index', 'position'])

/** Order of elements and objects is the kernel's hash order: it means nothing, except for the rules of one chain. */
export function comparable({ nftables }: { nftables: object[] }): string {
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !NOISE.has(name))
        .map(([name, inner]) => [
          name,
          name === 'elem' && Array.isArray(inner)
            ? inner.map((one) => JSON.stringify(plain(one))).sort()
            : plain(inner),
        ]),
    )
  }
  const rules = new Map<string, string[]>()
  const others: string[] = []
  for (const item of nftables.map((one) => plain(one) as Record<string, Record<string, string>>)) {
    if (item.rule === undefined) others.push(JSON.stringify(item))
    else rules.set(item.rule.chain!, [...(rules.get(item.rule.chain!) ?? []), JSON.stringify(item.rule.expr)])
  }
  return [...others.sort(), ...[...rules].sort().map(([chain, list]) => `${chain}: ${list.join(' ')}`)].join('\n')
}

/** Oldest first (proc(5)); of a process that is gone, none. */
export function childrenOf(pid: number): number[] {
  try {
    const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return listed === '' ? [] : listed.split(' ').map(Number)
  } catch {
    return []
  }
}

/** null when the supervisor has none just now. Its undo may have started a tunnel, which is an older child than the worker. */
export function workerOf({ pid = 0 }: ChildProcess): number | null {
  return childrenOf(pid).find(isNode) ?? null
}

function isNode(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] === process.execPath
  } catch {
    return false
  }
}

/** Polls; throws with `what` when it does not become true in time. */
export async function until(what: string, withinMs: number, met: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await met())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}
