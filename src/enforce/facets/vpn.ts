/**
 * The `vpn` facet of a namespace: one WireGuard interface with its addresses, peers and routes, by wireguard-go, which runs
 * inside the namespace so that the sealed packets take the workload's own path and rules. Starting it takes up to a second
 * and happens beside the old; peers change without losing a session.
 */
import { createHash } from 'node:crypto'
import { cidrContains, formatCidr, parseAddress, parseCidr } from '../../model/address.ts'
import { parseTunnelAddress, type Vpn, vpnFaults } from '../../model/facets/vpn.ts'
import type { FacetPart, Place, Probe } from '../facet.ts'
import { readSecret, secretsFolder } from '../secret-files.ts'
import { engineMissing, type Spot } from './vpn/engine.ts'
import {
  byKey,
  captureTunnel,
  convergeTunnel,
  type Found,
  markOf,
  type Peer,
  publicKeyOf,
  type Tunnel,
  tunnelText,
} from './vpn/tunnel.ts'

export const vpn: FacetPart<Vpn, Found> = {
  facet: 'vpn',
  refusal(place, wish) {
    if (place.namespace === null) return 'it has no registered namespace'
    const [fault] = vpnFaults(wish)
    return fault === undefined ? engineMissing() : `${fault.why}; ${fault.cure}`
  },
  async capture(place) {
    return captureTunnel(spotOf(place))
  },
  wanted(place, original, wish) {
    if (original.others.includes(wish.interface))
      throw new Error(`${place.key} has another interface ${wish.interface}; give the tunnel another name`)
    return { tunnel: wantedTunnel(wish), others: [] }
  },
  converge: (place, { tunnel }) => convergeTunnel(spotOf(place), tunnel, secretsFolder()),
  normalise: ({ tunnel }) => tunnelText(tunnel),
  undo(place, from) {
    return [{ run: 'vpn', ...spotOf(place), tunnel: from.tunnel, secrets: secretsFolder() }]
  },
  probes: (place, _, { tunnel }) => (tunnel === null ? [] : [() => stands(place, tunnel)]),
}

async function stands(place: Place, wanted: Tunnel): Promise<Probe> {
  const { tunnel } = await captureTunnel(spotOf(place))
  const ok = tunnel?.up === true && tunnel.publicKey === wanted.publicKey
  return { name: `tunnel ${wanted.interface}`, ok, detail: ok ? 'is up with its key' : 'is not up' }
}

function spotOf({ key, namespace }: Place): Spot {
  if (namespace === null) throw new Error(`${key} has no registered namespace`)
  return { key, namespace }
}

/** Throws when a secret is not here or is no key. */
export function wantedTunnel(wish: Vpn): Tunnel {
  const privateKey = readSecret(wish.privateKey).trim()
  const peers = wish.peers
    .map((peer): Peer => {
      const shared = peer.presharedKey === undefined ? null : readSecret(peer.presharedKey).trim()
      if (shared !== null) publicKeyOf(shared)
      return {
        publicKey: peer.publicKey,
        endpoint: peer.endpoint ?? null,
        allowedIPs: [...new Set(peer.allowedIPs.map(canonical))].sort(),
        keepalive: peer.keepalive ?? 0,
        presharedKey: peer.presharedKey ?? null,
        presharedMark: shared === null ? null : markOf(shared, privateKey),
      }
    })
    .sort(byKey)
  const addresses = wish.addresses.map((text) => parseTunnelAddress(text) ?? refuse(text)).sort()
  const asked = [wish.listenPort ?? null, peers.map(({ publicKey, endpoint }) => [publicKey, endpoint])]
  return {
    interface: wish.interface,
    addresses,
    routes: [...new Set(peers.flatMap((peer) => peer.allowedIPs))].filter((cidr) => !isLinked(cidr, addresses)).sort(),
    up: true,
    privateKey: wish.privateKey,
    publicKey: publicKeyOf(privateKey),
    listenPort: wish.listenPort ?? null,
    peers,
    asked: createHash('sha256').update(JSON.stringify(asked)).digest('base64url').slice(0, 16),
  }
}

function canonical(text: string): string {
  const cidr = parseCidr(text)
  return cidr === null ? refuse(text) : formatCidr(cidr)
}

function refuse(text: string): never {
  throw new Error(`${JSON.stringify(text)} is no address of a tunnel`)
}

/** Within the network of an address of the tunnel, the kernel has a route already. */
function isLinked(cidr: string, addresses: readonly string[]): boolean {
  const range = parseCidr(cidr)
  return addresses.some((address) => {
    const [text = '', length = ''] = address.split('/')
    const own = parseAddress(text)
    const first = range === null ? null : range.base
    if (own === null || first === null) return false
    const isV6 = text.includes(':')
    const bits = isV6 ? Number(length) : Number(length) + 96
    return range!.length >= bits && cidr.includes(':') === isV6 && cidrContains({ base: first, length: bits }, own)
  })
}
