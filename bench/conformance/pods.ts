/** Pods as namespaces, joined by a router that forwards for them and enforces. All is named after this process and goes with `close`. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import type { Binding } from '../../src/compile/tree.ts'
import { Child } from '../child.ts'
import type { Request } from './inside.ts'
import type { Pod, Probe } from './table.ts'

const run = promisify(execFile)
const INSIDE = new URL('./inside.ts', import.meta.url).pathname
export type Family = 4 | 6
/** What is expected is waited for; what is not expected has had its chance by then. */
const WAIT_MS = { expected: 4_000, unexpected: 700 }

export class Pods {
  readonly bindings: readonly Binding[]
  readonly #router: string
  readonly #names: readonly string[]
  readonly #pods: readonly Pod[]
  readonly #inside = new Map<string, Child<Request>>()
  #attempts = 0

  private constructor(pods: readonly Pod[], name: string) {
    this.#pods = pods
    this.#router = `${name}r`
    this.#names = pods.map((_, i) => `${name}p${i + 1}`)
    this.bindings = pods.map((pod, i) => ({
      key: pod.name,
      interface: `p${i + 1}h`,
      addresses: [...this.addressesOf(pod.name)],
      driver: 'netns',
    }))
  }

  static async create(pods: readonly Pod[], suffix = 'c'): Promise<Pods> {
    if (pods.length > 200) throw new Error(`${pods.length} pods are more than the 200 that this range has room for`)
    const all = new Pods(pods, `guise${process.pid}${suffix}`)
    try {
      await all.#make()
      await all.#serve()
    } catch (error) {
      await all.close()
      throw error
    }
    return all
  }

  addressesOf(pod: string): readonly string[] {
    const i = this.#pods.findIndex((one) => one.name === pod) + 1
    if (i === 0) throw new Error(`the manifests have no pod ${pod}`)
    return [`10.78.${i}.2`, `fd78:${i}::2`]
  }

  async #make(): Promise<void> {
    const router = this.#router
    await Promise.all([router, ...this.#names].map((name) => run('ip', ['netns', 'add', name])))
    await sysctl(router, 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
    for (const [index, name] of this.#names.entries()) {
      const i = index + 1
      const here = (...args: string[]) => run('ip', ['-n', router, ...args])
      const there = (...args: string[]) => run('ip', ['-n', name, ...args])
      await here('link', 'add', `p${i}h`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      await here('addr', 'add', `10.78.${i}.1/24`, 'dev', `p${i}h`)
      await here('addr', 'add', `fd78:${i}::1/64`, 'dev', `p${i}h`, 'nodad')
      await here('link', 'set', `p${i}h`, 'up')
      await there('link', 'set', 'lo', 'up')
      await there('addr', 'add', `10.78.${i}.2/24`, 'dev', 'eth0')
      await there('addr', 'add', `fd78:${i}::2/64`, 'dev', 'eth0', 'nodad')
      await there('link', 'set', 'eth0', 'up')
      await there('route', 'add', 'default', 'via', `10.78.${i}.1`)
      await there('-6', 'route', 'add', 'default', 'via', `fd78:${i}::1`)
    }
  }

  async #serve(): Promise<void> {
    this.#pods.forEach((pod, i) => {
      this.#inside.set(pod.name, Child.inside(this.#names[i]!, [process.execPath, INSIDE]))
    })
    const asked = this.#pods.flatMap((pod) =>
      pod.serves.flatMap((service) =>
        this.addressesOf(pod.name).map((address) =>
          this.#inside.get(pod.name)!.ask({ op: 'serve', address, ...service }),
        ),
      ),
    )
    await Promise.all(asked)
  }

  /** Did the server's answer come back? */
  async asks(probe: Probe, family: Family): Promise<boolean> {
    const { protocol, port, allowed } = probe
    const address = this.addressesOf(probe.server)[family === 4 ? 0 : 1]!
    const client = this.#inside.get(`${probe.client_ns}/${probe.client_pod}`)
    if (client === undefined) throw new Error(`the manifests have no pod ${probe.client_ns}/${probe.client_pod}`)
    const boundMs = allowed ? WAIT_MS.expected : WAIT_MS.unexpected
    return await client.ask<boolean>({ op: 'ask', protocol, address, port, boundMs, attempt: this.#attempts++ })
  }

  /** Into the router's kernel, as the agent would. */
  async load(text: string): Promise<void> {
    const child = spawn('ip', ['netns', 'exec', this.#router, 'nft', '-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] })
    const said: Buffer[] = []
    child.stderr.on('data', (data: Buffer) => said.push(data))
    child.stdin.end(text)
    const code = await new Promise((resolve) => child.on('close', resolve))
    if (code !== 0) throw new Error(`nft refused: ${Buffer.concat(said).toString().slice(0, 800)}`)
  }

  async close(): Promise<void> {
    for (const inside of this.#inside.values()) inside.close()
    for (const name of [this.#router, ...this.#names]) await run('ip', ['netns', 'del', name]).catch(() => {})
  }
}

async function sysctl(namespace: string, ...settings: string[]): Promise<void> {
  await run('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', ...settings])
}
