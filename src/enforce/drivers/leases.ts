/**
 * What a guest is told by DHCP, from our end of its link: for guests whose agent nobody has (RFC 2131). In: one lease and the
 * resolvers for it, by link. Out: a dnsmasq of that link alone, started anew when they change and found again by whoever comes
 * after us. It runs on without us, and serves names to nobody. `node:` only: the supervisor goes back with it.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { effect, effectSync } from '../fault.ts'

export type Lease = {
  /** `10.0.0.5/24` */
  readonly address: string
  readonly gateway: string | null
  readonly mtu: number | null
}
export type Naming = { readonly servers: readonly string[]; readonly search: readonly string[] }
/** Kept apart, because facets come and go apart. */
export type Told = { readonly lease: Lease | null; readonly naming: Naming | null }
export type LeaseStep = { readonly run: 'lease'; readonly face: string } & Partial<Told>

/** dnsmasq(8): the least there is. Half of it is when a guest asks again, and hears what has changed. */
export const LEASE_S = 120
const ROOT = '/run/guise/leases'
const FACE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/
const NAME = /^[a-z0-9.-]{1,253}$/
const NOTHING: Told = { lease: null, naming: null }
const ENDS_WITHIN_MS = 3_000

type Run = (program: string, argv: readonly string[]) => Promise<unknown>

/** What is told now; nothing where nobody tells it. */
export function toldOn(face: string): Told {
  return serverOf(face) === null ? NOTHING : readTold(face)
}

/** `changes`: what else is told stays as it is. */
export async function tell(face: string, changes: Partial<Told>, run: Run): Promise<void> {
  const before = readTold(face)
  const told = { ...before, ...changes }
  if (told.lease === null && (changes.naming ?? null) !== null)
    throw new Error(resolversAlone(`the persona of ${face}`))
  if (serverOf(face) !== null && JSON.stringify(told) === JSON.stringify(before)) return
  const folder = folderOf(face)
  effectSync('lease mkdir', () => mkdirSync(folder, { recursive: true, mode: 0o755 }))
  // While one serves, this file is what it serves, whoever dies here.
  await end(face)
  write(join(folder, 'told.json'), JSON.stringify(told))
  if (told.lease === null) return
  write(confOf(face), configText(face, told.lease, told.naming))
  await effect('lease start', () => run('dnsmasq', [`--conf-file=${confOf(face)}`]))
}

export function resolversAlone(persona: string): string {
  return `by DHCP resolvers are told with an address: give ${persona} a network as well`
}

/** Every word of it was checked by its form: a line is one option and no more. */
export function configText(face: string, { address, gateway, mtu }: Lease, naming: Naming | null): string {
  const [ip = '', length = ''] = address.split('/')
  for (const one of [ip, ...(gateway === null ? [] : [gateway]), ...(naming?.servers ?? [])])
    if (!isIPv4(one)) throw new Error(`${JSON.stringify(one)} is no IPv4 address`)
  const bad = naming?.search.find((name) => !NAME.test(name))
  if (bad !== undefined) throw new Error(`${JSON.stringify(bad)} is no name`)
  // An option that is said empty is not sent; dnsmasq would say itself.
  const option = (n: number, values: readonly string[]) => [
    `dhcp-option=${n}${values.map((one) => `,${one}`).join('')}`,
  ]
  return [
    ...['port=0', `interface=${face}`, 'except-interface=lo', 'bind-dynamic', 'no-resolv', 'no-hosts', 'no-ping'],
    ...['leasefile-ro', 'dhcp-authoritative', 'quiet-dhcp', `pid-file=${pidOf(face)}`],
    `dhcp-range=${ip},${ip},${maskOf(Number(length))},${LEASE_S}s`,
    ...option(3, gateway === null ? [] : [gateway]),
    ...option(6, naming?.servers ?? []),
    ...(mtu === null ? [] : option(26, [`${mtu}`])),
    ...(naming === null || naming.search.length === 0
      ? []
      : [...option(15, [naming.search[0]!]), ...option(119, naming.search)]),
    '',
  ].join('\n')
}

function maskOf(length: number): string {
  if (!Number.isInteger(length) || length < 1 || length > 32) throw new Error(`${length} is no prefix length`)
  const bits = (0xffffffff << (32 - length)) >>> 0
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}

async function end(face: string): Promise<void> {
  const pid = serverOf(face)
  if (pid === null) return
  effectSync('lease end', () => process.kill(pid, 'SIGTERM'))
  for (const until = performance.now() + ENDS_WITHIN_MS; serverOf(face) === pid; await wait(20))
    if (performance.now() > until) effectSync('lease end', () => process.kill(pid, 'SIGKILL'))
}

/** Its pid may be anybody's by now: it is ours by what it was started with. */
function serverOf(face: string): number | null {
  try {
    const pid = Number(readFileSync(pidOf(face), 'utf8'))
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return argv[0]?.endsWith('dnsmasq') && argv.includes(`--conf-file=${confOf(face)}`) ? pid : null
  } catch {
    return null
  }
}

function readTold(face: string): Told {
  const path = join(folderOf(face), 'told.json')
  return existsSync(path) ? { ...NOTHING, ...(JSON.parse(readFileSync(path, 'utf8')) as Told) } : NOTHING
}

/** The link goes, and whoever was behind it. */
export async function forgetLease(face: string): Promise<void> {
  await end(face)
  effectSync('lease remove', () => rmSync(folderOf(face), { recursive: true, force: true }))
}

function folderOf(face: string): string {
  if (!FACE.test(face)) throw new Error(`not the name of a link: ${JSON.stringify(face)}`)
  return join(ROOT, face)
}
const confOf = (face: string) => join(folderOf(face), 'dnsmasq.conf')
const pidOf = (face: string) => join(folderOf(face), 'pid')

function write(path: string, text: string): void {
  effectSync('lease write', () => writeFileSync(`${path}.new`, text, { mode: 0o644 }))
  effectSync('lease rename', () => renameSync(`${path}.new`, path))
}
