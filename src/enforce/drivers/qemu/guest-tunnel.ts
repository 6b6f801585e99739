/**
 * A WireGuard tunnel inside a guest, by the module of the guest's own kernel: looked at and made so through its agent, in
 * the same terms as a tunnel of a namespace. Keys go over the agent's socket, never as arguments. `node:` and steps alone.
 */

import { byKey, type Found, markOf, type Peer, type Tunnel, tunnelText } from '../../facets/vpn/tunnel.ts'
import { readSecret } from '../../secret-files.ts'
import { changeInGuest, runInGuest } from './guest-agent.ts'

/** In `ip link`'s alias: ours, with what was asked for. */
const OURS = /^guise:vpn:([A-Za-z0-9_-]{1,64}):(\d{1,5})$/
/** Marks routes as ours (rtnetlink(7)). */
const PROTOCOL = '186'
/** There is no /dev/stdin without udev. */
const STDIN = '/proc/self/fd/0'
const NAME = /^[A-Za-z0-9_.-]{1,15}$/

type Link = {
  ifname: string
  ifalias?: string
  flags: string[]
  addr_info: { local: string; prefixlen: number; scope: string }[]
}

export async function captureGuestTunnel(guest: string): Promise<Found> {
  const links = parse<Link>(await runInGuest(guest, 'ip', ['-d', '-j', 'addr'])).filter(({ ifname }) =>
    NAME.test(ifname),
  )
  const isOurs = ({ ifalias }: Link) => OURS.test(ifalias ?? '')
  const others = links.filter((one) => !isOurs(one)).map(({ ifname }) => ifname)
  const link = links.find(isOurs)
  if (link === undefined) return { tunnel: null, others }
  const [, asked = '', port = '0'] = OURS.exec(link.ifalias ?? '') ?? []
  const routes: string[] = []
  for (const family of [[], ['-6']]) {
    const argv = [...family, '-j', 'route', 'show', 'dev', link.ifname, 'proto', PROTOCOL]
    routes.push(...parse<{ dst: string }>(await runInGuest(guest, 'ip', argv)).map(({ dst }) => withLength(dst)))
  }
  const device = deviceFrom(await runInGuest(guest, 'wg', ['show', link.ifname, 'dump']))
  const tunnel: Tunnel = {
    interface: link.ifname,
    addresses: link.addr_info
      .filter(({ scope }) => scope === 'global')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
      .sort(),
    routes: routes.sort(),
    up: link.flags.includes('UP'),
    privateKey: null,
    publicKey: device.publicKey,
    listenPort: port === '0' ? null : device.listenPort,
    peers: device.peers,
    asked,
  }
  return { tunnel, others }
}

/** A tunnel without a reference to its key is nobody's wish: it goes. */
export async function convergeGuestTunnel(guest: string, wanted: Tunnel | null, secrets: string): Promise<void> {
  const { tunnel: found, others } = await captureGuestTunnel(guest)
  if (wanted === null || wanted.privateKey === null) {
    if (found !== null) await batch(guest, [`link del dev ${found.interface}`])
    return
  }
  if (tunnelText(found) === tunnelText(wanted)) return
  if (others.includes(wanted.interface))
    throw new Error(`the guest has another interface ${wanted.interface}; give the tunnel another name`)
  if (found !== null && found.interface !== wanted.interface) await batch(guest, [`link del dev ${found.interface}`])
  const there = found?.interface === wanted.interface ? found : null
  if (there === null)
    // With our mark from its first moment, so that whoever comes after a death here takes it away.
    await batch(guest, [
      `link add dev ${wanted.interface} type wireguard`,
      `link set dev ${wanted.interface} alias guise:vpn:unfinished:0`,
    ])
  // Peers that stay keep their session (wg(8), syncconf).
  await changeInGuest(guest, 'wg', ['syncconf', wanted.interface, STDIN], configOf(wanted, there, secrets))
  // Else the kernel deletes every secondary address together with the primary one, and the routes with them (ip-sysctl.rst).
  await changeInGuest(guest, 'sysctl', ['-qw', 'net.ipv4.conf.all.promote_secondaries=1'])
  await batch(guest, linkLines(there, wanted))
}

function configOf(wanted: Tunnel, found: Tunnel | null, secrets: string): string {
  const lines = ['[Interface]', `PrivateKey = ${readSecret(wanted.privateKey!, secrets).trim()}`]
  if (wanted.listenPort !== null) lines.push(`ListenPort = ${wanted.listenPort}`)
  for (const peer of wanted.peers) {
    const known = found?.asked === wanted.asked && found.peers.some(({ publicKey }) => publicKey === peer.publicKey)
    lines.push('[Peer]', `PublicKey = ${peer.publicKey}`, `AllowedIPs = ${peer.allowedIPs.join(', ')}`)
    if (peer.presharedKey !== null) lines.push(`PresharedKey = ${readSecret(peer.presharedKey, secrets).trim()}`)
    // It may have moved since, and is known by its key.
    if (peer.endpoint !== null && !known) lines.push(`Endpoint = ${peer.endpoint}`)
    lines.push(`PersistentKeepalive = ${peer.keepalive}`)
  }
  return `${lines.join('\n')}\n`
}

function linkLines(found: Tunnel | null, wanted: Tunnel): string[] {
  const device = wanted.interface
  const missing = (all: readonly string[], known: readonly string[] = []) => all.filter((one) => !known.includes(one))
  return [
    ...missing(wanted.addresses, found?.addresses).map((address) => `addr replace ${address} dev ${device}`),
    ...missing(found?.addresses ?? [], wanted.addresses).map((address) => `addr del ${address} dev ${device}`),
    `link set dev ${device} up`,
    ...wanted.routes.map((cidr) => `route replace ${cidr} dev ${device} proto ${PROTOCOL}`),
    ...missing(found?.routes ?? [], wanted.routes).map((cidr) => `route del ${cidr} dev ${device} proto ${PROTOCOL}`),
    // Last: only what is whole says what was asked for.
    `link set dev ${device} alias guise:vpn:${wanted.asked}:${wanted.listenPort ?? 0}`,
  ]
}

/** wg(8), `show INTERFACE dump`: the interface in the first line, a peer in each of the others, tabs between. */
export function deviceFrom(dump: string): { publicKey: string; listenPort: number; peers: Peer[] } {
  const [own = [], ...others] = dump
    .split('\n')
    .filter((line) => line !== '')
    .slice(0, 1_000)
    .map((line) => line.split('\t'))
  const [privateKey = '', publicKey = '', port = '0'] = own
  const none = (text: string | undefined) => text === undefined || text === '(none)' || text === 'off'
  return {
    publicKey: none(publicKey) ? '' : publicKey,
    listenPort: Number(port) || 0,
    peers: others
      .map(
        ([key = '', shared, endpoint, allowed, , , , keepalive]): Peer => ({
          publicKey: key,
          endpoint: none(endpoint) ? null : endpoint!,
          allowedIPs: none(allowed) ? [] : allowed!.split(',').sort(),
          keepalive: none(keepalive) ? 0 : Number(keepalive) || 0,
          presharedKey: null,
          presharedMark: none(shared) ? null : markOf(shared!, privateKey),
        }),
      )
      .sort(byKey),
  }
}

async function batch(guest: string, lines: readonly string[]): Promise<void> {
  await changeInGuest(guest, 'ip', ['-batch', '-'], `${lines.join('\n')}\n`)
}

function withLength(dst: string): string {
  return dst.includes('/') ? dst : `${dst}/${dst.includes(':') ? 128 : 32}`
}

function parse<T>(json: string): T[] {
  return json.trim() === '' ? [] : (JSON.parse(json) as T[])
}
