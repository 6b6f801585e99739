/** A router whose one interface three devices share, and a host behind its other one; an agent that works in the router. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentConfig } from '../../src/agent.ts'
import { supervisorArgv } from '../../src/cli/supervisor-argv.ts'
import { Child } from '../child.ts'
import type { Request } from '../dispatch/inside.ts'
import type { FlowState } from '../dispatch/network.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const INSIDE = join(ROOT, 'bench/dispatch/inside.ts')
const DEVICES = ['one', 'two', 'guest'] as const
export type DeviceName = (typeof DEVICES)[number]
type Name = DeviceName | 'wan'

export const macOf = (name: DeviceName) => `02:00:00:00:78:0${DEVICES.indexOf(name) + 1}`
export const v4Of = (name: Name) => (name === 'wan' ? '10.79.0.2' : `10.78.0.${DEVICES.indexOf(name) + 11}`)
export const v6Of = (name: Name) => (name === 'wan' ? 'fd79::2' : `fd78::${DEVICES.indexOf(name) + 11}`)

export class Lan {
  readonly dir = mkdtempSync(join(tmpdir(), 'guise-lan-'))
  readonly router: string
  readonly #prefix: string
  readonly #inside = new Map<Name, Child<Request>>()

  constructor(tag: string) {
    this.#prefix = `guise${tag}${process.pid}`
    this.router = this.space('r')
    try {
      this.#make()
    } catch (error) {
      this.close()
      throw error
    }
  }

  get socket(): string {
    return join(this.dir, 'server.sock')
  }

  space(name: string): string {
    return `${this.#prefix}${name}`
  }

  ip(name: string, ...argv: string[]): string {
    return execFileSync('ip', ['-n', this.space(name), ...argv], { stdio: 'pipe' }).toString()
  }

  run(name: string, ...argv: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.space(name), ...argv], { stdio: 'pipe' }).toString()
  }

  #make(): void {
    for (const name of ['r', 'wan', ...DEVICES]) execFileSync('ip', ['netns', 'add', this.space(name)])
    this.run('r', 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
    this.ip('r', 'link', 'add', 'lan0', 'type', 'bridge')
    this.#address('r', 'lan0', '10.78.0.1', 'fd78::1')
    for (const name of DEVICES) {
      this.ip('r', 'link', 'add', `p${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.space(name))
      this.ip('r', 'link', 'set', `p${name}`, 'master', 'lan0', 'up')
      this.ip(name, 'link', 'set', 'eth0', 'address', macOf(name))
    }
    this.ip('r', 'link', 'add', 'wan0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.space('wan'))
    this.#address('r', 'wan0', '10.79.0.1', 'fd79::1')
    for (const name of ['wan', ...DEVICES] as const) {
      this.#address(name, 'eth0', v4Of(name), v6Of(name))
      const net = name === 'wan' ? '79' : '78'
      this.ip(name, 'route', 'add', 'default', 'via', `10.${net}.0.1`)
      this.ip(name, '-6', 'route', 'add', 'default', 'via', `fd${net}::1`)
      this.#inside.set(name, Child.inside(this.space(name), [process.execPath, INSIDE]))
    }
  }

  #address(name: string, face: string, v4: string, v6: string): void {
    this.ip(name, 'link', 'set', 'lo', 'up')
    this.ip(name, 'link', 'set', face, 'up')
    this.ip(name, 'addr', 'add', `${v4}/24`, 'dev', face)
    this.ip(name, 'addr', 'add', `${v6}/64`, 'dev', face, 'nodad')
  }

  ask<Answer>(name: Name, request: Request): Promise<Answer> {
    return this.#inside.get(name)!.ask(request)
  }

  open(name: Name, address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<number> {
    return this.ask(name, { op: 'open', protocol, address, port })
  }

  read(name: Name, flow: number): Promise<FlowState> {
    return this.ask(name, { op: 'read', flow })
  }

  startAgent(): ChildProcess {
    const inventory = join(this.dir, 'inventory.json')
    writeFileSync(inventory, '[]')
    const leases = join(this.dir, 'leases')
    writeFileSync(leases, `1 ${macOf('one')} ${v4Of('one')} phone *\n1 ${macOf('two')} ${v4Of('two')} * *\n`)
    const home = join(this.dir, 'home')
    const config: AgentConfig = {
      inventory,
      server: `unix:${this.socket}`,
      caFingerprint: null,
      mode: 'enforce',
      home,
      id: 'lan',
      hostDriver: 'none',
      follow: 'same-system',
      sources: [],
      gateway: { faces: ['lan0'], leases },
    }
    const argv = supervisorArgv(config, { longestPauseMs: 100 })
    return spawn('nsenter', [`--net=/run/netns/${this.router}`, ...argv], {
      stdio: ['ignore', 'ignore', process.env.GUISE_RANGE_LOG === '1' ? 'inherit' : 'ignore'],
    })
  }

  close(): void {
    for (const inside of this.#inside.values()) inside.close()
    for (const name of ['r', 'wan', ...DEVICES]) {
      try {
        execFileSync('ip', ['netns', 'del', this.space(name)], { stdio: 'pipe' })
      } catch {}
    }
    rmSync(this.dir, { recursive: true, force: true })
  }
}
