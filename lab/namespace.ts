/** Network namespaces by `ip`: made, joined to the router by routed veths, taken away. Fixed argv, no shell. */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { addressOf, type LabPlan, namespaceOf, OUTSIDE, RESOLVER } from './topology.ts'

const execute = promisify(execFile)

export async function run(command: string, argv: readonly string[]): Promise<string> {
  const { stdout } = await execute(command, [...argv], { maxBuffer: 16 << 20 })
  return stdout
}

/** Feeds lines to one process: a namespace is set up in one `ip -batch -`, not in twenty spawns. */
export function feed(command: string, argv: readonly string[], lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...argv], { stdio: ['pipe', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (chunk) => {
      complaint += chunk
    })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`${command} ${argv.join(' ')} ended with ${code}: ${complaint.trim()}`)),
    )
    child.stdin.end(`${lines.join('\n')}\n`)
  })
}

const inside = (namespace: string, lines: readonly string[]) => feed('ip', ['-n', namespace, '-batch', '-'], lines)

/** One routed veth: `name` on the router's side, `eth0` inside. DAD is off, an address must work at once. */
type Leg = { name: string; v4: string; v6: string; gateway4: string; gateway6: string }

function routerLines(prefix: string, leg: Leg): string[] {
  return [
    `link add ${leg.name} type veth peer name eth0 netns ${namespaceOf(prefix, leg.name)}`,
    `addr add ${leg.gateway4}/24 dev ${leg.name}`,
    `addr add ${leg.gateway6}/64 dev ${leg.name} nodad`,
    `link set ${leg.name} up`,
  ]
}

function workloadLines(leg: Leg): string[] {
  return [
    'link set lo up',
    `addr add ${leg.v4}/24 dev eth0`,
    `addr add ${leg.v6}/64 dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${leg.gateway4} src ${leg.v4}`,
    `route add default via ${leg.gateway6}`,
  ]
}

function legsOf(plan: LabPlan): Leg[] {
  const resolver = { gateway4: '10.77.53.1', gateway6: 'fd77:0:53::1' }
  return [
    { name: RESOLVER.name, v4: RESOLVER.v4, v6: RESOLVER.v6, ...resolver },
    { name: 'out', v4: '172.31.77.2', v6: 'fd77:ffff::2', gateway4: '172.31.77.1', gateway6: 'fd77:ffff::1' },
    ...plan.workloads.map((w, i) => ({ name: w.name, ...addressOf(i) })),
  ]
}

/** Makes every namespace and link of the plan; the caller takes away what is there when this throws. */
export async function makeNamespaces(plan: LabPlan): Promise<void> {
  const router = namespaceOf(plan.prefix, 'r')
  const legs = legsOf(plan)
  await feed(
    'ip',
    ['-batch', '-'],
    [router, ...legs.map((l) => namespaceOf(plan.prefix, l.name))].map((n) => `netns add ${n}`),
  )
  const all = await run('ip', ['netns', 'exec', router, 'sysctl', '-q', '-w', ...ROUTER_SETTINGS])
  if (all.trim() !== '') throw new Error(`setting up ${router}: ${all.trim()}`)
  await inside(router, ['link set lo up', ...legs.flatMap((leg) => routerLines(plan.prefix, leg))])
  await Promise.all(legs.map((leg) => inside(namespaceOf(plan.prefix, leg.name), workloadLines(leg))))
  // Everything that is not a workload goes outside, and home addresses nobody has end there in silence.
  await inside(router, ['route add default via 172.31.77.2', 'route add default via fd77:ffff::2'])
  await inside(namespaceOf(plan.prefix, 'out'), [
    ...OUTSIDE.routes.map((cidr) => `route add local ${cidr} dev lo`),
    ...OUTSIDE.clocks.map((ip) => (ip.includes(':') ? `addr add ${ip}/128 dev lo nodad` : `addr add ${ip}/32 dev lo`)),
  ])
  await feed('ip', ['netns', 'exec', router, 'nft', '-f', '-'], TRACK.split('\n'))
}

/** Forwarding, and flows that can be accounted: only in the router, which is ours. */
const ROUTER_SETTINGS = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.netfilter.nf_conntrack_acct=1',
  'net.netfilter.nf_conntrack_timestamp=1',
  'net.netfilter.nf_conntrack_events=1',
  'net.netfilter.nf_conntrack_tcp_loose=0',
  // A finished flow is reported when its entry goes: the default keeps it for two minutes.
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait=3',
  'net.netfilter.nf_conntrack_tcp_timeout_close=2',
  'net.netfilter.nf_conntrack_tcp_timeout_syn_sent=5',
  'net.netfilter.nf_conntrack_udp_timeout=5',
  'net.netfilter.nf_conntrack_udp_timeout_stream=10',
  'net.netfilter.nf_conntrack_icmp_timeout=4',
  'net.netfilter.nf_conntrack_icmpv6_timeout=4',
]

/** A namespace tracks connections only once a rule asks for their state. */
const TRACK = `table inet lab {
  chain track {
    type filter hook prerouting priority -150; policy accept;
    ct state invalid counter
  }
}`

export async function existingNamespaces(): Promise<Set<string>> {
  return new Set(existsSync('/run/netns') ? readdirSync('/run/netns') : [])
}

export function writeResolver(namespace: string): void {
  mkdirSync(`/etc/netns/${namespace}`, { recursive: true })
  writeFileSync(`/etc/netns/${namespace}/resolv.conf`, `nameserver ${RESOLVER.v4}\noptions timeout:2 attempts:2\n`)
}

export async function removeNamespace(namespace: string): Promise<void> {
  rmSync(`/etc/netns/${namespace}`, { recursive: true, force: true })
  if (existsSync(`/run/netns/${namespace}`)) await run('ip', ['netns', 'del', namespace])
}

/** Process ids inside a namespace; none when it is gone. */
export async function processesIn(namespace: string): Promise<number[]> {
  if (!existsSync(`/run/netns/${namespace}`)) return []
  const listed = await run('ip', ['netns', 'pids', namespace]).catch(() => '')
  return listed.split('\n').filter(Boolean).map(Number)
}
