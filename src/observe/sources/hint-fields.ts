/** What hints are made of, out of values that anybody may have written: bounded, sanitised, or null. */
import { parseAddress } from '../../model/address.ts'
import { Proto } from '../../model/flow.ts'
import type { HintEnds } from '../../model/hint.ts'
import { ownText, plainText } from '../../model/plain-text.ts'
import { LATEST_MS } from './fill-row.ts'

/** One record of a log, however it was written: absent and unset values are ''. */
export type Fields = {
  text(name: string): string
  /** NaN when absent or no number. */
  number(name: string): number
  list(name: string): readonly string[]
}

const PROTOS: ReadonlyMap<string, number> = new Map([
  ['tcp', Proto.tcp],
  ['udp', Proto.udp],
  ['icmp', Proto.icmp],
  ['ipv6-icmp', Proto.icmp6],
  ['icmp6', Proto.icmp6],
])
/** IANA's number of a protocol's name, 0 for others. */
export const protoOf = (name: string): number => PROTOS.get(name.toLowerCase()) ?? 0

export type RawEnds = {
  readonly at: number
  readonly source: string
  readonly target: string
  readonly sourcePort: number
  readonly targetPort: number
  readonly proto: number
}

/** Null when an end is no address, a port no port or the time none. */
export function hintEnds(raw: RawEnds): HintEnds | null {
  const source = parseAddress(raw.source)
  const target = parseAddress(raw.target)
  if (source === null || target === null || !(raw.at >= 0 && raw.at < LATEST_MS)) return null
  if (!(raw.sourcePort >= 0 && raw.sourcePort <= 65_535 && raw.targetPort >= 0 && raw.targetPort <= 65_535)) return null
  return {
    at: raw.at,
    source,
    target,
    sourcePort: raw.sourcePort,
    targetPort: raw.targetPort,
    proto: raw.proto,
  }
}

/** Lower case, no trailing dot, at most 255 characters (RFC 1035 §2.3.4). */
export function nameText(raw: string): string {
  const name = shortText(raw, 255).toLowerCase()
  return name.endsWith('.') && name.length > 1 ? name.slice(0, -1) : name
}

/** Most texts of a log are printable ASCII and short: those need no cleaning. A copy: hints outlive their line. */
export function shortText(raw: string, max: number): string {
  return ownText(raw.length <= max && /^[!-~]*$/.test(raw) ? raw : plainText(raw, max))
}

const MAX_ANSWERS = 16
export const answersText = (answers: readonly string[]): string[] =>
  answers.slice(0, MAX_ANSWERS).map((answer) => nameText(answer))

/** QTYPEs by name (IANA DNS parameters); 0 for others. */
const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  NULL: 10,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  SVCB: 64,
  HTTPS: 65,
  ANY: 255,
  '*': 255,
}
export const dnsType = (name: string): number => (Object.hasOwn(TYPES, name) ? TYPES[name]! : 0)

/** RCODEs by name (IANA DNS parameters); −1 for others. */
const CODES = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
]
export const dnsCode = (name: string): number => CODES.indexOf(name)

/** Ports where mail is only handed in after a log-in (RFC 6409, RFC 8314). */
const SUBMISSION = new Set([465, 587])
/** RFC 4954 §6: 535 (5.7.8) and 534 (5.7.9) refuse a log-in; other servers say 550 or 554 with a word about it. */
const AUTH_REFUSED = /^(?:53[45]\b|5\d\d[ -].*(?:\b5\.7\.[89]\b|\b(?:auth|login|password|credentials?)\b))/i
const AUTH_ACCEPTED = /^235\b/

/** What a server's last reply says of a log-in; null when there is no word of one. */
export function smtpOutcome(reply: string, port: number): 'accepted' | 'refused' | 'unknown' | null {
  const start = reply.slice(0, 300)
  if (AUTH_ACCEPTED.test(start)) return 'accepted'
  if (AUTH_REFUSED.test(start)) return 'refused'
  return SUBMISSION.has(port) ? 'unknown' : null
}
