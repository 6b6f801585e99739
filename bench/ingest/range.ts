/**
 * Where the ingest bench happens: generator and collectors as children of their own, in a network namespace of their own as
 * root, else on loopback. CPU time is that of /proc/PID/stat, before and after.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { CollectorOrder, CollectorStats } from './collector.ts'
import type { Protocol } from './datagrams.ts'
import type { SendAnswer, SendOrder } from './generator.ts'

export type Name = 'ours' | 'netflowv9' | 'nfcapd'
export type Taken = {
  readonly sent: number
  readonly seconds: number
  readonly received: number
  readonly dropped: number
  readonly perCpuSecond: number
}

const PORTS: Readonly<Record<Name, number>> = { ours: 29_055, netflowv9: 29_056, nfcapd: 29_057 }
/** USER_HZ, on all Linux. */
const TICKS_PER_SECOND = 100
const SETTLED_WITHIN_MS = 20_000

export class Range {
  readonly place: string
  readonly names: readonly Name[]
  readonly #namespace: string | null
  readonly #folder = mkdtempSync(join(tmpdir(), 'guise-nfcapd-'))
  readonly #collectors = new Map<Name, ChildProcess>()
  #generator: ChildProcess | null = null

  private constructor(namespace: string | null, names: readonly Name[]) {
    this.#namespace = namespace
    this.names = names
    this.place = namespace === null ? 'loopback' : 'loopback of a namespace of its own'
  }

  static async create(): Promise<Range> {
    const namespace = process.getuid?.() === 0 ? `guiseI${process.pid}` : null
    const hasNfcapd = spawnSync('nfcapd', ['-V'], { stdio: 'ignore' }).status === 0
    if (!hasNfcapd) console.error('nfcapd is missing (apt-get install nfdump): it is left out')
    const range = new Range(namespace, hasNfcapd ? ['ours', 'netflowv9', 'nfcapd'] : ['ours', 'netflowv9'])
    if (namespace !== null) {
      execFileSync('ip', ['netns', 'add', namespace])
      execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
    }
    try {
      range.#generator = await range.#node('generator.ts', [])
      for (const name of range.names) range.#collectors.set(name, await range.#collector(name))
    } catch (error) {
      await range.close()
      throw error
    }
    return range
  }

  /** One round: sends, waits until the collector is still, and says what it cost. */
  async send(name: Name, protocol: Protocol, flows: number, perSecond: number): Promise<Taken> {
    const pid = this.#collectors.get(name)!.pid!
    const before = { cpu: cpuSeconds(pid), drops: this.#drops(name), stats: await this.#stats(name) }
    const order: SendOrder = { protocol, port: PORTS[name], flows, perSecond }
    const { sent, seconds } = await ask<SendAnswer>(this.#generator!, order)
    await this.#settled(name, pid)
    const perDatagram = protocol === 'v5' ? 30 : 28
    const dropped = this.#drops(name) - before.drops
    const after = await this.#stats(name)
    // nfcapd does not say while it runs: what was not dropped by the kernel was received.
    const received = after === null ? sent - dropped * perDatagram : after.flows - before.stats!.flows
    return { sent, seconds, received, dropped, perCpuSecond: received / Math.max(0.01, cpuSeconds(pid) - before.cpu) }
  }

  /** A file through one process, `times` over: lines per CPU-second of each, from its first byte to the last score. */
  async read(path: string, times: number): Promise<number[]> {
    const child = await this.#node('collector.ts', ['files', '0'])
    const rates: number[] = []
    for (let time = 0; time < times; time++) {
      const answer = await ask<CollectorStats>(child, { kind: 'read', path } satisfies CollectorOrder)
      if (answer.refused > 0) throw new Error(`${path}: ${answer.refused} rows were refused`)
      rates.push(answer.flows / answer.cpuSeconds)
    }
    await end(child)
    return rates
  }

  async close(): Promise<void> {
    for (const child of [this.#generator, ...this.#collectors.values()]) if (child !== null) await end(child)
    if (this.#namespace !== null) spawnSync('ip', ['netns', 'delete', this.#namespace], { stdio: 'ignore' })
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #collector(name: Name): Promise<ChildProcess> {
    if (name !== 'nfcapd') return await this.#node('collector.ts', [name, String(PORTS[name])])
    const options = ['-l', this.#folder, '-b', '127.0.0.1', '-p', String(PORTS.nfcapd), '-t', '3600', '-B', '16777216']
    const child = this.#spawn('nfcapd', options, 'ignore')
    for (const until = Date.now() + 5_000; !this.#socketLine('nfcapd'); await wait(50))
      if (Date.now() > until) throw new Error('nfcapd does not listen')
    return child
  }

  async #node(file: string, argv: readonly string[]): Promise<ChildProcess> {
    const path = new URL(file, import.meta.url).pathname
    const child = this.#spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...argv], 'inherit')
    const [said] = await Promise.race([once(child, 'message'), once(child, 'exit')])
    if (said !== 'ready') throw new Error(`${file} ${argv.join(' ')} ended with ${said}`)
    return child
  }

  #spawn(program: string, argv: readonly string[], errors: 'inherit' | 'ignore'): ChildProcess {
    const inside = this.#namespace === null ? [] : ['netns', 'exec', this.#namespace, program]
    const [command, options] = this.#namespace === null ? [program, argv] : ['ip', [...inside, ...argv]]
    // A listener per question is asked of a child, and some are there for good.
    return spawn(command, options, { stdio: ['ignore', 'ignore', errors, 'ipc'] }).setMaxListeners(0)
  }

  async #stats(name: Name): Promise<CollectorStats | null> {
    if (name === 'nfcapd') return null
    return await ask<CollectorStats>(this.#collectors.get(name)!, { kind: 'stats' } satisfies CollectorOrder)
  }

  /** Until its CPU time stands still: what was in its buffers is done. */
  async #settled(name: Name, pid: number): Promise<void> {
    const until = performance.now() + SETTLED_WITHIN_MS
    let last = Number.NaN
    for (let still = 0; still < 3 && performance.now() < until; ) {
      await wait(100)
      const now = (await this.#stats(name))?.flows ?? cpuSeconds(pid)
      still = now === last ? still + 1 : 0
      last = now
    }
  }

  /** Column `drops` of its socket (proc_net_udp). */
  #drops(name: Name): number {
    return Number(this.#socketLine(name)?.trim().split(/\s+/).at(-1) ?? 0)
  }

  #socketLine(name: Name): string | undefined {
    const pid = this.#collectors.get(name)?.pid ?? this.#generator!.pid!
    const wanted = `:${PORTS[name].toString(16).toUpperCase()} `
    return readFileSync(`/proc/${pid}/net/udp`, 'latin1')
      .split('\n')
      .find((line) => line.includes(wanted))
  }
}

async function ask<T>(child: ChildProcess, order: SendOrder | CollectorOrder): Promise<T> {
  const left = new AbortController()
  const { signal } = left
  const answer = Promise.race([once(child, 'message', { signal }), once(child, 'exit', { signal })])
  child.send(order)
  const [said] = await answer
  left.abort()
  if (typeof said !== 'object' || said === null) throw new Error(`a child ended with ${said}`)
  return said as T
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill()
  await gone
}

/** User and system time of a process, proc_pid_stat fields 14 and 15; the name before them may hold blanks. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** CPU milliseconds of a loop that is always the same: how fast this machine is just now. */
export function calibrate(): number {
  const before = process.cpuUsage()
  let x = 0
  for (let i = 0; i < 1e8; i++) x = (Math.imul(x, 31) + i) | 0
  if (x === 0.5) console.error('never')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}
