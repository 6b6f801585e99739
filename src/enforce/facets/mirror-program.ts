/**
 * Which packets on a workload's link are copied, as a program of the kernel's classic packet filter (bpf(4), tc-bpf(8)): u32
 * knows no ranges, no exceptions, no header of varying length and no "of several the first". Addresses and ports are read from
 * the network header on; IPv6's extension headers are not followed, and of an IPv4 packet in fragments only the first has ports.
 */
import { isV4, parseCidr, type Words } from '../../model/address.ts'
import type { InspectionWish, Mirrored } from '../../model/facets/inspection.ts'
import type { RuleMatch } from '../../model/rule-match.ts'

/** Seen from the workload: what it sends, or what it gets. */
export type Way = 'sent' | 'got'

type Instruction = readonly [code: number, jumpIf: number, jumpElse: number, k: number]

/** Offsets from here on are those of the network header, and of what the kernel knows of the packet (linux/filter.h). */
const NET = -0x100000
const PROTOCOL = -0x1000
const [IPV4, IPV6] = [0x0800, 0x86dd]
const NUMBERS = { tcp: 6, udp: 17, icmp: 1, icmp6: 58, sctp: 132 } as const
/** `icmp` is both families, and this one stands for that of the other (`RuleMatch`). */
const [ECHO_REQUEST, ECHO_REQUEST_6] = [8, 128]
/** Of questions that have an answer of another type: its type (RFC 792, RFC 4443). */
const ANSWERS: Readonly<Record<'four' | 'six', ReadonlyMap<number, number>>> = {
  four: new Map([
    [8, 0],
    [13, 14],
  ]),
  six: new Map([[128, 129]]),
}
/** FIN, SYN and RST (RFC 9293, 3.1). */
const OPENING_FLAGS = 0x07
const DNS = 53
/** BPF_LD and its kin. */
const [LD_W, LD_H, LD_B, LD_H_X, LD_B_X, LDX_HEADER] = [0x20, 0x28, 0x30, 0x48, 0x50, 0xb1]
const [AND, JUMP, JUMP_EQ, JUMP_GT, JUMP_GE, JUMP_SET, RETURN] = [0x54, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06]
const COPY = 0xffffffff

type Family = {
  readonly four: boolean
  readonly protocolAt: number
  readonly addressAt: Readonly<Record<'source' | 'destination', number>>
}
const FAMILIES: readonly Family[] = [
  { four: true, protocolAt: 9, addressAt: { source: 12, destination: 16 } },
  { four: false, protocolAt: 6, addressAt: { source: 8, destination: 24 } },
]
const V6_HEADER = 40

/** tc cannot send the kernel a longer one (16 KiB a message). */
export const MOST_INSTRUCTIONS = 1_900

/** In tc's words; null = nothing is copied that way. */
export function mirrorProgram(wish: InspectionWish, way: Way): string | null {
  const program = instructionsOf(wish, way)
  if (program === null) return null
  return `${program.length},${program.map(([code, yes, no, k]) => `${code} ${yes} ${no} ${k >>> 0}`).join(',')}`
}

export function instructionsOf({ level, mirrored = [] }: InspectionWish, way: Way): readonly Instruction[] | null {
  if (level === 'signatures' || level === 'full') return [ret(COPY)]
  const parts = FAMILIES.map((family) => {
    const blocks = mirrored.flatMap((one) => blockOf(one, way, family) ?? [])
    return [...(level === 'flows' ? openings(family) : []), ...blocks]
  })
  if (parts.every((part) => part.length === 0)) return null
  return [
    ...FAMILIES.flatMap(({ four }, i) => {
      const part = parts[i]!
      if (part.length === 0) return []
      return [load(LD_H, PROTOCOL), ...when(JUMP_EQ, four ? IPV4 : IPV6, [...part, ret(0)])]
    }),
    ret(0),
  ]
}

const load = (code: number, k: number): Instruction => [code, 0, 0, k]
const ret = (k: number): Instruction => [RETURN, 0, 0, k]

/** What follows only where that holds; a conditional jump reaches 255 instructions, a plain one any. */
function when(code: number, k: number, then: readonly Instruction[]): Instruction[] {
  return [[code, 1, 0, k], [JUMP, 0, 0, then.length], ...then]
}

function unless(code: number, k: number, then: readonly Instruction[]): Instruction[] {
  return [[code, 0, 1, k], [JUMP, 0, 0, then.length], ...then]
}

/** Copies what fits one rule, and goes on behind it with what does not; null = it is not of this family. */
function blockOf({ direction, match }: Mirrored, way: Way, family: Family): Instruction[] | null {
  const isQuestion = (direction === 'egress') === (way === 'sent')
  const at = NET + family.addressAt[way === 'sent' ? 'destination' : 'source']
  const networks = networksOf(match.peer, family)
  const carried = carriedBy(match.service, isQuestion, family)
  if (networks === null || carried === null) return null
  const { peer, holes } = networks
  const rest = holes.reduceRight<readonly Instruction[]>((then, hole) => beyond(hole, at, then), carried.inner)
  const addressed = among(peer, at, rest)
  return carried.protocol === null
    ? addressed
    : [load(LD_B, NET + family.protocolAt), ...when(JUMP_EQ, carried.protocol, addressed)]
}

/** The protocol it is of, and how the rest of the packet is read; null = there is none in this family. */
function carriedBy(
  service: RuleMatch['service'],
  isQuestion: boolean,
  family: Family,
): { readonly protocol: number | null; readonly inner: readonly Instruction[] } | null {
  const whole = (protocol: number | null) => ({ protocol, inner: [ret(COPY)] })
  if (service === null) return whole(null)
  switch (service.protocol) {
    case 'tcp':
    case 'udp':
    case 'sctp':
      return { protocol: NUMBERS[service.protocol], inner: ofPorts(service, isQuestion ? 2 : 0, family) }
    case 'tcp-any':
      return whole(NUMBERS.tcp)
    case 'udp-any':
      return whole(NUMBERS.udp)
    case 'sctp-any':
      return whole(NUMBERS.sctp)
    case 'icmp':
    case 'icmp6': {
      const { four } = family
      if (four && service.protocol === 'icmp6') return null
      const { type } = service
      const protocol = four ? NUMBERS.icmp : NUMBERS.icmp6
      if (type === null) return whole(protocol)
      const asked = !four && service.protocol === 'icmp' && type === ECHO_REQUEST ? ECHO_REQUEST_6 : type
      return { protocol, inner: ofType(asked, isQuestion, family) }
    }
  }
}

type Network = readonly { readonly nth: number; readonly mask: number; readonly value: number }[]

/** null = its peer is of the other family, or no network at all. */
function networksOf(peer: RuleMatch['peer'], family: Family): { peer: Network; holes: readonly Network[] } | null {
  if (peer.kind === 'any') return { peer: [], holes: [] }
  const network = peer.kind === 'set' ? null : networkOf(peer.cidr, family)
  if (network === null || peer.kind === 'set') return null
  const holes = (peer.except ?? []).map((text) => networkOf(text, family)).filter((hole) => hole !== null)
  return { peer: network, holes }
}

/** Its 32-bit words that say something. */
function networkOf(text: string, { four }: Family): Network | null {
  const cidr = parseCidr(text)
  if (cidr === null || isV4(cidr.base) !== four) return null
  const length = four ? cidr.length - 96 : cidr.length
  return wordsOf(cidr.base, four).flatMap((value, nth) => {
    const bits = Math.min(32, Math.max(0, length - 32 * nth))
    const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
    return bits === 0 ? [] : [{ nth, mask, value: (value & mask) >>> 0 }]
  })
}

function wordsOf(base: Words, four: boolean): number[] {
  return four ? [base[3]!] : [...base]
}

const wordAt = (at: number, { nth, mask }: Network[number]): Instruction[] => [
  load(LD_W, at + 4 * nth),
  ...(mask === 0xffffffff ? [] : [load(AND, mask)]),
]

function among(network: Network, at: number, then: readonly Instruction[]): Instruction[] {
  return network.reduceRight<Instruction[]>(
    (rest, word) => [...wordAt(at, word), ...when(JUMP_EQ, word.value, rest)],
    [...then],
  )
}

/** Each word that differs leads on; when none does, past what follows. */
function beyond(network: Network, at: number, then: readonly Instruction[]): Instruction[] {
  const tests = network.map((word) => [...wordAt(at, word), [JUMP_EQ, 0, 0, word.value] as Instruction])
  const length = tests.reduce((sum, one) => sum + one.length, 0)
  let passed = 0
  const linked = tests.flatMap((one) => {
    passed += one.length
    const [code, , , k] = one.at(-1)!
    return [...one.slice(0, -1), [code, 0, length - passed + 1, k] as Instruction]
  })
  return [...linked, [JUMP, 0, 0, then.length], ...then]
}

type Range = { readonly from: number; readonly to: number }

function within({ from, to }: Range): Instruction[] {
  if (from === to) return when(JUMP_EQ, from, [ret(COPY)])
  return when(JUMP_GE, from, unless(JUMP_GT, to, [ret(COPY)]))
}

function ofPorts(range: Range, offset: number, family: Family): Instruction[] {
  return inFirstFragment(family, [...behindHeader(family, 'half', offset), ...within(range)])
}

/** As the question has it; its answer has another, or the same. */
function ofType(type: number, isQuestion: boolean, family: Family): Instruction[] {
  const wanted = isQuestion ? type : (ANSWERS[family.four ? 'four' : 'six'].get(type) ?? type)
  return [...behindHeader(family, 'byte', 0), ...when(JUMP_EQ, wanted, [ret(COPY)])]
}

/** What level `flows` copies: what opens and ends a conversation of TCP, DNS, and all of ICMP. */
function openings(family: Family): Instruction[] {
  const copy = [ret(COPY)]
  const flags = [...behindHeader(family, 'byte', 13), ...when(JUMP_SET, OPENING_FLAGS, copy)]
  const names = [0, 2].flatMap((offset) => [...behindHeader(family, 'half', offset), ...when(JUMP_EQ, DNS, copy)])
  const protocol = load(LD_B, NET + family.protocolAt)
  return [
    ...[protocol, ...when(JUMP_EQ, family.four ? NUMBERS.icmp : NUMBERS.icmp6, copy)],
    ...when(JUMP_EQ, NUMBERS.tcp, inFirstFragment(family, flags)),
    ...[protocol, ...when(JUMP_EQ, NUMBERS.udp, inFirstFragment(family, names))],
  ]
}

/** The others have nothing of the header that tells ports and flags. */
function inFirstFragment({ four }: Family, then: readonly Instruction[]): Instruction[] {
  return four ? [load(LD_H, NET + 6), ...unless(JUMP_SET, 0x1fff, then)] : [...then]
}

/** Of what the network header carries. */
function behindHeader({ four }: Family, size: 'half' | 'byte', offset: number): Instruction[] {
  if (!four) return [load(size === 'half' ? LD_H : LD_B, NET + V6_HEADER + offset)]
  return [load(LDX_HEADER, NET), load(size === 'half' ? LD_H_X : LD_B_X, NET + offset)]
}
