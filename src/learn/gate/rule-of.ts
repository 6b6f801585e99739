/**
 * By which rule of a learned allow-list a conversation would be allowed, as a text to count by. Not its five values: a
 * policy names who, not which address; the service port, not the client's; and what nobody answered is no service.
 */
import { cidrContains, formatCidr, isV4, maskWords, parseAddress, parseCidr } from '../../model/address.ts'
import type { Conversation } from '../../model/window.ts'

export type Spoken = Pick<Conversation, 'peer' | 'port' | 'proto' | 'direction'> & {
  readonly flows: number
  readonly failed: number
}

/** The peer as a policy would name it (a persona, a workload); null = it knows the address alone. */
export type NameOf = (address: string) => string | null

/** IANA's dynamic ports (RFC 6335): nobody is found there by number, a policy allows the range or nothing. */
const DYNAMIC = 49_152
/** Networks that belong together: what a registry hands out at least (IPv4), a site (RFC 6177). */
const V4_LENGTH = 24
const V6_LENGTH = 48

/** Null = no rule: it was offered to the workload, which never took it up. A policy that learnt it would open a closed door. */
export function ruleOf({ peer, port, proto, direction, flows, failed }: Spoken, nameOf: NameOf): string | null {
  // Flows count where they began: a step without any goes on with one that was answered.
  if (direction === 'served' && failed > 0 && failed >= flows) return null
  const service = port >= DYNAMIC ? 'dynamic' : String(port)
  const who = nameOf(peer) ?? (direction === 'served' && !isHome(peer) ? 'anyone' : networkOf(peer))
  return `${direction} ${proto}/${service} ${who}`
}

const HOME = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
].map((text) => parseCidr(text)!)

/** Private and link-local space (RFC 1918, 6598, 3927, 4193, 4291). */
export function isHome(address: string): boolean {
  const words = parseAddress(address)
  return words !== null && HOME.some((cidr) => cidrContains(cidr, words))
}

function networkOf(address: string): string {
  const words = parseAddress(address)
  if (words === null) return address
  const length = isV4(words) ? 96 + V4_LENGTH : V6_LENGTH
  return formatCidr({ base: maskWords(words, length), length })
}
