/**
 * A router and four workloads, each a namespace, joined by veth pairs, IPv4 and IPv6. Everything is named after this
 * process and goes with `close`. Far ends note every packet that reaches them in a set of their own, before any other
 * hook, so a verdict is what arrived and not what a counter says.
 */
import { execFile, spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Binding } from '../../src/compile/tree.ts'
import { Child } from '../child.ts'
import type { Request } from './inside.ts'
import { type Crafted, craft } from './packets.ts'

const run = promisify(execFile)
export const COUNT = 4
export const v4 = (i: number) => `10.77.${i}.2`
export const v6 = (i: number) => `fd77:${i}::2`

const SEEN = `table inet seen {
  set r4 {
    type ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service
    size 65535
    flags dynamic,timeout
    timeout 5m
  }
  set r6 {
    type ipv6_addr . ipv6_addr . inet_proto . inet_service . inet_service
    size 65535
    flags dynamic,timeout
    timeout 5m
  }
  chain note {
    type filter hook prerouting priority -400; policy accept;
    meta nfproto ipv4 add @r4 { ip saddr . ip daddr . meta l4proto . th sport . th dport }
    meta nfproto ipv6 add @r6 { ip6 saddr . ip6 daddr . meta l4proto . th sport . th dport }
  }
}
`

/** A bridge of the router. */
const LAN = 'lan'
const INSIDE = new URL('./inside.ts', import.meta.url).pathname

export type FlowState = { readonly bytes: number; readonly error: string; readonly ready: boolean }

export class Network {
  readonly router: string
  readonly bindings: readonly Binding[]
  readonly #names: readonly string[]
  #inside: Child<Request>[] = []

  private constructor(name: string, devices: readonly number[]) {
    this.router = `${name}r`
    this.#names = Array.from({ length: COUNT }, (_, i) => `${name}w${i + 1}`)
    this.bindings = this.#names.map((_, at): Binding => {
      const i = at + 1
      const known = { key: `w${i}`, addresses: [v4(i), v6(i)] }
      return devices.includes(i)
        ? { ...known, interface: LAN, driver: 'gateway', mac: `02:00:00:00:00:0${i}` }
        : { ...known, interface: `w${i}h`, driver: 'netns' }
    })
  }

  /** `devices`: those that share one interface of the router. */
  static async create(suffix = '', devices: readonly number[] = []): Promise<Network> {
    const network = new Network(`guise${process.pid}${suffix}`, devices)
    try {
      await network.#make()
      network.#inside = network.#names.map((name) => Child.inside(name, [process.execPath, INSIDE]))
      await network.#ready()
    } catch (error) {
      await network.close()
      throw error
    }
    return network
  }

  async #make(): Promise<void> {
    for (const name of [this.router, ...this.#names]) await run('ip', ['netns', 'add', name])
    const { router } = this
    await this.#sysctl(
      router,
      'net.ipv4.ip_forward=1',
      'net.ipv6.conf.all.forwarding=1',
      'net.netfilter.nf_conntrack_tcp_loose=0',
    )
    if (this.bindings.some(({ driver }) => driver === 'gateway')) {
      await run('ip', ['-n', router, 'link', 'add', LAN, 'type', 'bridge'])
      await run('ip', ['-n', router, 'link', 'set', LAN, 'up'])
      await this.#sysctl(router, `net.ipv4.conf.${LAN}.send_redirects=0`, 'net.ipv4.conf.all.send_redirects=0')
      // Where br_netfilter is loaded, a reset goes back to the port that a lie came from, not to whose address it bears.
      const apart = ['net.bridge.bridge-nf-call-iptables=0', 'net.bridge.bridge-nf-call-ip6tables=0']
      await this.#sysctl(router, ...apart).catch(() => {})
    }
    for (const [index, name] of this.#names.entries()) {
      const i = index + 1
      const { interface: face, mac } = this.bindings[index]!
      await this.#sysctl(name, 'net.ipv6.conf.default.accept_dad=0')
      const here = (...args: string[]) => run('ip', ['-n', router, ...args])
      const there = (...args: string[]) => run('ip', ['-n', name, ...args])
      await here('link', 'add', `w${i}h`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      if (face === LAN) await here('link', 'set', `w${i}h`, 'master', LAN)
      if (mac !== undefined) await there('link', 'set', 'eth0', 'address', mac)
      await here('addr', 'add', `10.77.${i}.1/24`, 'dev', face!)
      await here('addr', 'add', `fd77:${i}::1/64`, 'dev', face!, 'nodad')
      await here('link', 'set', `w${i}h`, 'up')
      await there('link', 'set', 'lo', 'up')
      await there('addr', 'add', `${v4(i)}/24`, 'dev', 'eth0')
      await there('addr', 'add', `${v6(i)}/64`, 'dev', 'eth0', 'nodad')
      await there('link', 'set', 'eth0', 'up')
      await there('route', 'add', 'default', 'via', `10.77.${i}.1`)
      await there('-6', 'route', 'add', 'default', 'via', `fd77:${i}::1`)
      await this.nft(SEEN, name)
    }
  }

  /** A fresh veth pair takes a moment until neighbours answer, IPv6 longest. */
  async #ready(): Promise<void> {
    let id = 100
    const pairs = this.#names.flatMap((_, i) =>
      [v4, v6].map((address) => ({ from: i + 1, to: ((i + 1) % COUNT) + 1, address })),
    )
    for (const { from, to, address } of pairs) {
      const up = await within(5_000, async () => {
        const hello = craft(address(from), address(to), 'udp', 9, id++)
        await this.send(from, [hello])
        return within(60, async () => (await this.receipts(to)).has(hello.receipt))
      })
      if (!up) throw new Error(`${address(from)} never reached ${address(to)}, with no rules loaded`)
    }
  }

  async #sysctl(namespace: string, ...settings: string[]): Promise<void> {
    await run('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', ...settings])
  }

  async nft(text: string, namespace = this.router): Promise<string> {
    const child = spawn('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], { stdio: ['pipe', 'pipe', 'pipe'] })
    const said: Buffer[] = []
    child.stdout.on('data', (data: Buffer) => said.push(data))
    child.stderr.on('data', (data: Buffer) => said.push(data))
    child.stdin.end(text)
    const code = await new Promise((resolve) => child.on('close', resolve))
    const output = Buffer.concat(said).toString()
    if (code !== 0) throw new Error(`nft refused: ${output.slice(0, 800)}`)
    return output
  }

  async list(): Promise<unknown> {
    const { stdout } = await run('ip', ['netns', 'exec', this.router, 'nft', '-j', 'list', 'table', 'inet', 'guise'], {
      maxBuffer: 1 << 28,
    })
    return JSON.parse(stdout)
  }

  async send(from: number, packets: readonly Crafted[]): Promise<void> {
    for (let i = 0; i < packets.length; i += 50) {
      const part = packets.slice(i, i + 50).map(({ to, bytes }) => ({ to, bytes: bytes.toString('base64') }))
      await this.#inside[from - 1]!.ask({ op: 'send', packets: part })
    }
  }

  /** What reached workload `i` so far: addresses, protocol and first two transport words of each packet. */
  async receipts(i: number): Promise<Set<string>> {
    const found = new Set<string>()
    const { stdout } = await run(
      'ip',
      ['netns', 'exec', this.#names[i - 1]!, 'nft', '-j', '-nn', 'list', 'table', 'inet', 'seen'],
      {
        maxBuffer: 1 << 28,
      },
    )
    const { nftables } = JSON.parse(stdout) as {
      nftables: { set?: { elem?: { elem: { val: { concat: unknown[] } } }[] } }[]
    }
    for (const { set } of nftables)
      for (const { elem } of set?.elem ?? []) found.add(elem.val.concat.map(protocolNumber).join(' '))
    return found
  }

  namespaceOf(i: number): string {
    return this.#names[i - 1]!
  }

  /** Forgets what arrived, so that the same packet can be told from its repeat. */
  async forget(i: number): Promise<void> {
    await this.nft('flush set inet seen r4\nflush set inet seen r6\n', this.namespaceOf(i))
  }

  serve(i: number, protocol: 'tcp' | 'udp', address: string, port: number): Promise<null> {
    return this.#inside[i - 1]!.ask({ op: 'serve', protocol, address, port })
  }
  open(i: number, protocol: 'tcp' | 'udp', address: string, port: number): Promise<number> {
    return this.#inside[i - 1]!.ask({ op: 'open', protocol, address, port })
  }
  read(i: number, flow: number): Promise<FlowState> {
    return this.#inside[i - 1]!.ask({ op: 'read', flow })
  }

  /** Names of all packets that reached workload `i` since the last question. */
  hear(i: number): Promise<string[]> {
    return this.#inside[i - 1]!.ask({ op: 'hear' })
  }

  /** What is crafted is noted and then dropped, so that no kernel answers what it never asked. */
  async hush(): Promise<void> {
    const drop = [
      'meta l4proto { tcp, udp, sctp, icmp } drop',
      'icmpv6 type { destination-unreachable, packet-too-big, echo-request, echo-reply, 139, 140 } drop',
    ]
    const text = `table inet hush {\n chain c {\n  type filter hook prerouting priority -399; policy accept;\n  ${drop.join('\n  ')}\n }\n}\n`
    for (const name of this.#names) await this.nft(text, name)
    // The kernel tells a peer no more than once a second that it was refused: here each refusal is looked for.
    await this.#sysctl(
      this.router,
      'net.ipv4.icmp_ratelimit=0',
      'net.ipv4.icmp_ratemask=0',
      'net.ipv6.icmp.ratelimit=0',
    )
    await this.#sysctl(this.router, 'net.ipv6.icmp.ratemask=255')
  }

  async close(): Promise<void> {
    for (const inside of this.#inside) inside.close()
    for (const name of [this.router, ...this.#names]) await run('ip', ['netns', 'del', name]).catch(() => {})
  }
}

/** nft prints known protocols by name even with -nn in JSON. */
function protocolNumber(part: unknown, position: number): string {
  const names: Readonly<Record<string, string>> = { tcp: '6', udp: '17', icmp: '1', 'ipv6-icmp': '58' }
  return position === 2 ? (names[String(part)] ?? String(part)) : String(part)
}

/** True as soon as `holds` is, false when it never was within `boundMs`. */
export async function within(boundMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + boundMs
  do {
    if (await holds()) return true
    await wait(20)
  } while (performance.now() < end)
  return false
}
