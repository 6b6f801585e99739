/**
 * One WireGuard tunnel of a workload, whole: looked at (`captureTunnel`) and made so (`convergeTunnel`), from wherever it is.
 * Peers that stay keep their sessions. Depends on `node:` and steps alone, so that the supervisor can take a change back.
 */
import { createHmac, createPrivateKey, createPublicKey } from 'node:crypto'
import { statSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { SecretRef } from '../../../model/facets/secret.ts'
import { effect } from '../../fault.ts'
import { readSecret } from '../../secret-files.ts'
import { inside } from '../../step.ts'
import { keepSecondaries } from '../keep-secondaries.ts'
import { deviceName, endEngine, ensureEngine, findEngine, type Spot } from './engine.ts'
import { type Device, type DevicePeer, getDevice, hexOf, setDevice } from './uapi.ts'

export type Peer = {
  readonly publicKey: string
  /** Where it is first looked for; it may roam. */
  readonly endpoint: string | null
  /** Sorted. */
  readonly allowedIPs: readonly string[]
  readonly keepalive: number
  /** null in what was captured. */
  readonly presharedKey: SecretRef | null
  /** Tells one pre-shared key from another; keyed with the private key. */
  readonly presharedMark: string | null
}
export type Tunnel = {
  readonly interface: string
  readonly addresses: readonly string[]
  readonly routes: readonly string[]
  readonly up: boolean
  /** null in what was captured: the kernel knows values, not names. */
  readonly privateKey: SecretRef | null
  readonly publicKey: string
  /** null = any. */
  readonly listenPort: number | null
  /** Sorted by key. */
  readonly peers: readonly Peer[]
  /** Of what cannot be read back, because it moves by itself: endpoints, and a port nobody chose. */
  readonly asked: string
}
/** Ours, if any, and how other links of the namespace are called. */
export type Found = { readonly tunnel: Tunnel | null; readonly others: readonly string[] }

/** In `ip link`'s alias: ours, with what was asked for. */
const OURS = /^guise:vpn:([A-Za-z0-9_-]{1,64}):(\d{1,5})$/
/** In place of what was asked for, while it is not whole. */
const BEGUN = 'begun'
/** Marks routes as ours (rtnetlink(7)). */
const PROTOCOL = '186'
const GONE_WITHIN_MS = 3_000

type Link = { ifname: string; ifalias?: string; flags: string[] }
type Route = { dst: string }
type Addressed = { addr_info: { local: string; prefixlen: number; scope: string }[] }

/** Throws where nothing can be: its namespace is gone, and no process of ours keeps it and its keys, nameless, alive. */
export async function captureTunnel(spot: Spot): Promise<Found> {
  // Seen as a tunnel that somebody took away: what is done about that ends the process.
  if (!stands(spot.namespace) && findEngine(spot) !== null) return { tunnel: null, others: [] }
  const { link, others } = await linksOf(spot)
  if (link === undefined) return { tunnel: null, others }
  try {
    return { tunnel: await lookAt(spot, link), others }
  } catch (error) {
    // It went while we looked.
    const again = await linksOf(spot)
    if (again.link?.ifname === link.ifname) throw error
    return again.link === undefined ? { tunnel: null, others: again.others } : captureTunnel(spot)
  }
}

async function lookAt(spot: Spot, { ifname, ifalias = '', flags }: Link): Promise<Tunnel> {
  const [, asked = '', port = '0'] = OURS.exec(ifalias) ?? []
  const device = await getDevice(deviceName(spot)).catch((): Device => ({ privateKey: null, listenPort: 0, peers: [] }))
  const show = async <T>(...argv: string[]) => parse<T>(await inside(spot.namespace, 'ip', ['-j', ...argv]))
  const addressed = await show<Addressed>('addr', 'show', 'dev', ifname)
  const routes = [
    ...(await show<Route>('route', 'show', 'dev', ifname, 'proto', PROTOCOL)),
    ...(await show<Route>('-6', 'route', 'show', 'dev', ifname, 'proto', PROTOCOL)),
  ]
  return {
    interface: ifname,
    addresses: addressed
      .flatMap(({ addr_info }) => addr_info)
      .filter(({ scope }) => scope === 'global')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
      .sort(),
    routes: routes.map(({ dst }) => withLength(dst)).sort(),
    up: flags.includes('UP'),
    privateKey: null,
    publicKey: device.privateKey === null ? '' : publicKeyOf(device.privateKey),
    listenPort: port === '0' ? null : device.listenPort,
    peers: device.peers.map((peer) => peerOf(peer, device.privateKey)).sort(byKey),
    asked,
  }
}

/** Equal when nothing needs doing: references to secrets are left out, because only values can be looked at. */
export function sameTunnel(a: Tunnel | null, b: Tunnel | null): boolean {
  return tunnelText(a) === tunnelText(b)
}

export function tunnelText(tunnel: Tunnel | null): string {
  if (tunnel === null) return 'null'
  const { privateKey: _key, peers, ...rest } = tunnel
  return JSON.stringify({
    ...rest,
    peers: peers.map(({ presharedKey: _shared, endpoint: _endpoint, ...peer }) => peer),
  })
}

/** `secrets` is the folder that keys are read from. A tunnel without a reference to its key is nobody's wish: it goes. */
export async function convergeTunnel(spot: Spot, wanted: Tunnel | null, secrets: string): Promise<void> {
  if (!stands(spot.namespace)) return endEngine(spot)
  const found = await captureTunnel(spot)
  if (wanted === null || wanted.privateKey === null) {
    if (found.tunnel !== null) await remove(spot)
    return endEngine(spot)
  }
  if (sameTunnel(found.tunnel, wanted)) return
  if (found.others.includes(wanted.interface))
    throw new Error(`${spot.key} has another interface ${wanted.interface}; give the tunnel another name`)
  const privateKey = readSecret(wanted.privateKey, secrets).trim()
  await ensureEngine(spot)
  const { link } = await linksOf(spot)
  if (link === undefined) {
    // Somebody deleted the interface; its process is on its way out.
    await endEngine(spot)
    await ensureEngine(spot)
  }
  const { link: device } = link === undefined ? await linksOf(spot) : { link }
  if (device === undefined) throw new Error(`the tunnel of ${spot.key} has no interface`)
  const known = OURS.exec(device.ifalias ?? '')?.[1] === wanted.asked
  const lines = deviceLines(await getDevice(deviceName(spot)), wanted, privateKey, secrets, known ? 'kept' : 'asked')
  // A rename needs the link down (netdevice(7)). Whoever comes after a death knows it as ours by its mark alone.
  if (device.ifname !== wanted.interface)
    await batch(spot, [
      `link set dev ${device.ifname} alias guise:vpn:${BEGUN}:0`,
      `link set dev ${device.ifname} down`,
      `link set dev ${device.ifname} name ${wanted.interface}`,
    ])
  await effect('vpn set', () => setDevice(deviceName(spot), lines))
  await keepSecondaries(spot.namespace)
  // Looked at again: a link that is down has lost addresses and routes, a new one has none.
  await batch(spot, linkLines((await captureTunnel(spot)).tunnel, wanted))
}

/** What the device has to be told to be as wanted; a peer that stays as it is is not named, so its session goes on. */
export function deviceLines(
  device: Device,
  wanted: Tunnel,
  privateKey: string,
  secrets: string,
  endpoints: 'kept' | 'asked',
): string[] {
  const lines: string[] = []
  if (device.privateKey !== privateKey) lines.push(`private_key=${hexOf(privateKey)}`)
  if (wanted.listenPort !== null && wanted.listenPort !== device.listenPort)
    lines.push(`listen_port=${wanted.listenPort}`)
  const keep = new Set(wanted.peers.map((peer) => peer.publicKey))
  for (const { publicKey } of device.peers)
    if (!keep.has(publicKey)) lines.push(`public_key=${hexOf(publicKey)}`, 'remove=true')
  for (const peer of wanted.peers) {
    const there = device.peers.find((one) => one.publicKey === peer.publicKey)
    const told: string[] = []
    const shared = peer.presharedKey === null ? null : readSecret(peer.presharedKey, secrets).trim()
    if ((there?.presharedKey ?? null) !== shared)
      told.push(`preshared_key=${shared === null ? '0'.repeat(64) : hexOf(shared)}`)
    if (peer.endpoint !== null && (there === undefined || endpoints === 'asked') && there?.endpoint !== peer.endpoint)
      told.push(`endpoint=${peer.endpoint}`)
    if ((there?.keepalive ?? 0) !== peer.keepalive) told.push(`persistent_keepalive_interval=${peer.keepalive}`)
    const had = there?.allowedIPs ?? []
    if (had.some((cidr) => !peer.allowedIPs.includes(cidr)))
      told.push('replace_allowed_ips=true', ...allowed(peer.allowedIPs))
    else told.push(...allowed(peer.allowedIPs.filter((cidr) => !had.includes(cidr))))
    if (there === undefined || told.length > 0) lines.push(`public_key=${hexOf(peer.publicKey)}`, ...told)
  }
  return lines
}

const allowed = (cidrs: readonly string[]) => cidrs.map((cidr) => `allowed_ip=${cidr}`)

function linkLines(found: Tunnel | null, wanted: Tunnel): string[] {
  const device = wanted.interface
  const missing = (all: readonly string[], known: readonly string[] = []) => all.filter((one) => !known.includes(one))
  return [
    ...missing(wanted.addresses, found?.addresses).map(
      (address) => `addr replace ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`,
    ),
    ...missing(found?.addresses ?? [], wanted.addresses).map((address) => `addr del ${address} dev ${device}`),
    `link set dev ${device} up`,
    // Taking a link down loses its routes, so all of them are said.
    ...wanted.routes.map((cidr) => `route replace ${cidr} dev ${device} proto ${PROTOCOL}`),
    ...missing(found?.routes ?? [], wanted.routes).map((cidr) => `route del ${cidr} dev ${device} proto ${PROTOCOL}`),
    // Last: only what is whole carries our mark.
    `link set dev ${device} alias guise:vpn:${wanted.asked}:${wanted.listenPort ?? 0}`,
  ]
}

async function remove(spot: Spot): Promise<void> {
  await endEngine(spot)
  for (let waitedMs = 0; ; waitedMs += 20) {
    const { link } = await linksOf(spot)
    if (link === undefined) return
    if (waitedMs >= GONE_WITHIN_MS) return batch(spot, [`link del dev ${link.ifname}`])
    await wait(20)
  }
}

async function batch(spot: Spot, lines: readonly string[]): Promise<void> {
  await effect('vpn ip', () => inside(spot.namespace, 'ip', ['-batch', '-'], `${lines.join('\n')}\n`))
}

async function linksOf(spot: Spot): Promise<{ link: Link | undefined; others: string[] }> {
  const links = parse<Link>(await inside(spot.namespace, 'ip', ['-j', 'link']))
  const isOurs = ({ ifname, ifalias }: Link) => ifname === deviceName(spot) || OURS.test(ifalias ?? '')
  return { link: links.find(isOurs), others: links.filter((one) => !isOurs(one)).map(({ ifname }) => ifname) }
}

function peerOf(peer: DevicePeer, privateKey: string | null): Peer {
  return {
    publicKey: peer.publicKey,
    endpoint: peer.endpoint,
    allowedIPs: [...peer.allowedIPs].sort(),
    keepalive: peer.keepalive,
    presharedKey: null,
    presharedMark: peer.presharedKey === null ? null : markOf(peer.presharedKey, privateKey ?? ''),
  }
}

export function markOf(presharedKey: string, privateKey: string): string {
  return createHmac('sha256', privateKey).update(presharedKey).digest('base64url').slice(0, 16)
}

export function byKey(a: { readonly publicKey: string }, b: { readonly publicKey: string }): number {
  return a.publicKey < b.publicKey ? -1 : 1
}

/** PKCS #8 of an X25519 key is this and 32 bytes (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** Throws when the text is no key; the text is not in the error. */
export function publicKeyOf(privateKey: string): string {
  const raw = Buffer.from(privateKey, 'base64')
  if (raw.length !== 32 || !/^[A-Za-z0-9+/]{43}=$/.test(privateKey))
    throw new Error('this is no WireGuard key: 32 bytes in base64, as wg genkey prints them')
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, raw]), format: 'der', type: 'pkcs8' })
  return Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x as string, 'base64url').toString('base64')
}

function withLength(dst: string): string {
  return dst.includes('/') ? dst : `${dst}/${dst.includes(':') ? 128 : 32}`
}

function stands(namespace: string): boolean {
  try {
    return statSync(namespace).isFile()
  } catch {
    return false
  }
}

function parse<T>(json: string): T[] {
  return json.trim() === '' ? [] : (JSON.parse(json) as T[])
}
