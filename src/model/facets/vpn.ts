/**
 * The `vpn` facet: one WireGuard interface inside the workload's network namespace. Keys are secrets by reference; peers
 * have addresses, not names, and a tunnel never takes the path to its own endpoint.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { type Cidr, cidrContains, formatAddress, formatCidr, isV4, parseAddress, parseCidr } from '../address.ts'
import { SecretRef, SecretWish } from './secret.ts'

/** 32 bytes in base64 (wg(8)). */
export const WIREGUARD_KEY = '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$'
const AddressText = Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}/\\d{1,3}$' })

const tunnel = <Key extends TSchema>(key: Key) =>
  Type.Object(
    {
      interface: Type.String({ pattern: '^[a-z][a-z0-9_-]{0,14}$' }),
      /** With their prefix length: `10.9.0.2/24`. */
      addresses: Type.Array(AddressText, { minItems: 1, maxItems: 8 }),
      listenPort: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
      privateKey: key,
      peers: Type.Array(
        Type.Object(
          {
            publicKey: Type.String({ pattern: WIREGUARD_KEY }),
            /** `192.0.2.1:51820`, `[2001:db8::1]:51820`; absent: it calls first. */
            endpoint: Type.Optional(Type.String({ pattern: '^(?:[0-9.]{7,15}|\\[[0-9A-Fa-f.:]{2,45}\\]):\\d{1,5}$' })),
            /** What is reached through it, and what may come from it. */
            allowedIPs: Type.Array(AddressText, { minItems: 1, maxItems: 256 }),
            /** Seconds between packets that keep a path open. */
            keepalive: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
            presharedKey: Type.Optional(key),
          },
          { additionalProperties: false },
        ),
        { maxItems: 256 },
      ),
    },
    { additionalProperties: false },
  )

/** As a profile says it. */
export const VpnWish = tunnel(SecretWish)
export type VpnWish = Static<typeof VpnWish>
/** As an agent gets it. */
export const Vpn = tunnel(SecretRef)
export type Vpn = Static<typeof Vpn>

export type Endpoint = { readonly address: string; readonly port: number }

export function parseEndpoint(text: string): Endpoint | null {
  const found = /^(?:\[([^\]]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text)
  const address = found?.[1] ?? found?.[2]
  const port = Number(found?.[3])
  if (address === undefined || parseAddress(address) === null || port < 1 || port > 65_535) return null
  return { address, port }
}

/** The canonical text of an address with its prefix length; host bits stay. */
export function parseTunnelAddress(text: string): string | null {
  const [address = '', digits = ''] = text.split('/', 2)
  const words = parseAddress(address)
  if (words === null || !/^\d{1,3}$/.test(digits) || Number(digits) > (isV4(words) ? 32 : 128)) return null
  return `${formatAddress(words)}/${Number(digits)}`
}

type Fault = { readonly path: readonly (string | number)[]; readonly why: string; readonly cure: string }

/** What a schema cannot say of a tunnel. */
export function vpnFaults(vpn: VpnWish | Vpn): Fault[] {
  const faults: Fault[] = []
  const add: Add = (path, why, cure) => void faults.push({ path, why, cure })
  if (vpn.interface === 'lo') add(['interface'], 'lo is the loopback interface', 'name it like wg0')
  for (const [i, text] of vpn.addresses.entries())
    if (parseTunnelAddress(text) === null)
      add(['addresses', i], `${text} is no address with a prefix length`, 'write it like 10.9.0.2/24')
  const keys = new Set<string>()
  const taken = new Map<string, number>()
  for (const [i, { publicKey, endpoint, allowedIPs }] of vpn.peers.entries()) {
    if (keys.has(publicKey)) add(['peers', i, 'publicKey'], 'this peer is here twice', 'merge its allowedIPs into one')
    keys.add(publicKey)
    for (const [j, text] of allowedIPs.entries()) checkRange(text, ['peers', i, 'allowedIPs', j], i, taken, add)
    if (endpoint !== undefined) checkEndpoint(endpoint, ['peers', i, 'endpoint'], vpn, add)
  }
  return faults
}

type Add = (path: Fault['path'], why: string, cure: string) => void

function checkRange(text: string, path: Fault['path'], peer: number, taken: Map<string, number>, add: Add): void {
  const range = parseCidr(text)
  if (range === null) {
    add(path, `${text} is no network`, 'write it like 10.9.0.0/24')
    return
  }
  if (isWhole(range))
    add(path, `${text} would take every path, that to the peer itself too`, 'list the networks behind the peer')
  const other = taken.get(formatCidr(range))
  if (other !== undefined) add(path, `${text} is behind peer ${other + 1} already`, 'leave one out')
  taken.set(formatCidr(range), peer)
}

function checkEndpoint(text: string, path: Fault['path'], vpn: VpnWish | Vpn, add: Add): void {
  const endpoint = parseEndpoint(text)
  if (endpoint === null) {
    add(path, `${text} is no address and port`, 'write it like 192.0.2.1:51820')
    return
  }
  const inside = vpn.peers
    .flatMap((one) => one.allowedIPs)
    .find((range) => contains(parseCidr(range), endpoint.address))
  if (inside !== undefined)
    add(path, `${text} is inside ${inside}, so the tunnel would run through itself`, 'narrow allowedIPs')
}

function contains(range: Cidr | null, address: string): boolean {
  const words = parseAddress(address)
  return range !== null && words !== null && cidrContains(range, words)
}

/** `0.0.0.0/0` is 96 bits long as four words. */
function isWhole(range: Cidr): boolean {
  return /\/0$/.test(formatCidr(range))
}
