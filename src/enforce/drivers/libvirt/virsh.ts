/** libvirt by virsh: fixed arguments, a domain named by its uuid alone, a libvirt of this host and no other. Never a shell. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { effect } from '../../fault.ts'
import { UUID } from './door.ts'

const execute = promisify(execFile)
const DEFAULT_URI = 'qemu:///system'
/** libvirt.org/uri.html: the system's QEMU driver, by whichever socket it listens at. */
const URI = /^qemu(?:\+unix)?:\/\/\/system(?:\?socket=(\/(?!\.\.?(?:\/|$))[A-Za-z0-9_./-]{1,100}))?$/
/** One daemon for everything, or one for each driver. */
const SOCKETS = ['/run/libvirt/libvirt-sock', '/run/libvirt/virtqemud-sock'] as const
const LONGEST_BYTES = 32 << 20
/** The first question after its start waits until libvirt has tried every QEMU there is. */
const WITHIN_MS = 60_000
/** A single argument is no longer than 32 pages (execve(2)). */
const ARGUMENT_BYTES = 128_000

/** `LIBVIRT_DEFAULT_URI` as every program of libvirt reads it; null when it is no libvirt of this host, or nobody listens there. */
export function libvirtHere(env: NodeJS.ProcessEnv = process.env): string | null {
  const uri = env.LIBVIRT_DEFAULT_URI ?? DEFAULT_URI
  const found = URI.exec(uri)
  if (found === null) return null
  const sockets = found[1] === undefined ? SOCKETS : [found[1]]
  return sockets.some((path) => existsSync(path)) ? uri : null
}

export function isLocal(uri: string): boolean {
  return URI.test(uri)
}

/** Resolves with stdout. Throws with what was attempted, and libvirt's own words. */
export async function askLibvirt(uri: string, argv: readonly string[], withinMs = WITHIN_MS): Promise<string> {
  if (!isLocal(uri)) throw new Error(`not a libvirt of this host: ${JSON.stringify(uri)}`)
  const what = `virsh ${argv.join(' ')}`.slice(0, 200)
  if (argv.some((one) => Buffer.byteLength(one) > ARGUMENT_BYTES)) throw new Error(`${what}: too long for virsh`)
  const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C' }
  const options = { timeout: withinMs, killSignal: 'SIGKILL', maxBuffer: LONGEST_BYTES, env } as const
  try {
    return (await execute('virsh', ['-q', '-c', uri, ...argv], options)).stdout
  } catch (error) {
    const { code, stderr = '', killed } = error as { code?: string | number; stderr?: string; killed?: boolean }
    if (code === 'ENOENT') throw new Error('virsh is missing; apt-get install libvirt-clients')
    throw new Error(`${what}: ${killed === true ? `no answer within ${withinMs} ms` : stderr.trim().slice(0, 600)}`)
  }
}

/** As `askLibvirt`, of a command that changes something. */
export function changeLibvirt(uri: string, [command = '', ...rest]: readonly string[]): Promise<string> {
  return effect(`virsh ${command}`, () => askLibvirt(uri, [command, ...rest]))
}

export function named(uuid: string): string {
  if (!UUID.test(uuid)) throw new Error(`not the uuid of a domain: ${JSON.stringify(uuid)}`)
  return uuid
}
