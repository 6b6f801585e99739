/**
 * Which packets on a workload's link rules mirror, as a program of the kernel's classic packet filter (bpf(4), tc-bpf(8)):
 * u32 knows no ranges, no exceptions and no "of several the first". Addresses and ports are read from the network header on;
 * IPv6's extension headers are not followed, and of an IPv4 packet in fragments only the first has ports.
 */
import { isV4, parseCidr, type Words } from '../../model/address.ts'
import type { Mirrored } from '../../model/facets/inspection.ts'

/** Seen from the workload: what it sends, or what it gets. */
export type Way = 'sent' | 'got'

type Instruction = readonly [code: number, jumpIf: number, jumpElse: number, k: number]

/** Offsets from here on are those of the network header, and of what the kernel knows of the packet (linux/filter.h). */
const NET = -0x100000
const PROTOCOL = -0x1000
const [IPV4, IPV6] = [0x0800, 0x86dd]
const [TCP, UDP, ICMP, ICMP6, SCTP] = [6, 17, 1, 58, 132]
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

/** In tc's words; null = nothing fits, in this direction. `openings`: those are copied by a filter before this one. */
export function mirrorProgram(mirrored: readonly Mirrored[], way: Way, openings: boolean): string | null {
  const program = instructionsOf(mirrored, way, openings)
  if (program === null) return null
  return `${program.length},${program.map(([code, yes, no, k]) => `${code} ${yes} ${no} ${k >>> 0}`).join(',')}`
}

export function instructionsOf(
  mirrored: readonly Mirrored[],
  way: Way,
  openings: boolean,
): readonly Instruction[] | null {
  const parts = FAMILIES.map((family) => {
    const blocks = mirrored.flatMap((one) => blockOf(one, way, family) ?? [])
    return blocks.length === 0 ? [] : [...(openings ? withoutOpenings(family) : []), ...blocks, ret(0)]
  })
  if (parts.every((part) => part.length === 0)) return null
  return [
    ...FAMILIES.flatMap(({ four }, i) => {
      const part = parts[i]!
      if (part.length === 0) return []
      return [load(LD_H, PROTOCOL), ...when(JUMP_EQ, four ? IPV4 : IPV6, part)]
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
function blockOf(
  { direction, cidr, except, protocol, ports }: Mirrored,
  way: Way,
  family: Family,
): Instruction[] | null {
  const isQuestion = (direction === 'egress') === (way === 'sent')
  const at = NET + family.addressAt[way === 'sent' ? 'destination' : 'source']
  const number = protocol === null ? null : numberOf(protocol, family)
  if (number === undefined) return null
  const peer = cidr === null ? null : networkOf(cidr, family)
  if (peer === undefined) return null
  const holes = except.map((text) => networkOf(text, family)).filter((hole) => hole !== undefined)
  const inPorts =
    ports === null
      ? [ret(COPY)]
      : protocol === 'icmp' || protocol === 'icmp6'
        ? ofType(ports, isQuestion, family, protocol)
        : ofPorts(ports, isQuestion ? 2 : 0, family)
  if (inPorts === null) return null
  const rest = holes.reduceRight<readonly Instruction[]>((then, hole) => beyond(hole, at, then), inPorts)
  const addressed = peer === null ? rest : among(peer, at, rest)
  return number === null ? [...addressed] : [load(LD_B, NET + family.protocolAt), ...when(JUMP_EQ, number, addressed)]
}

/** undefined = not in this family. */
function numberOf(protocol: NonNullable<Mirrored['protocol']>, { four }: Family): number | undefined {
  switch (protocol) {
    case 'tcp':
      return TCP
    case 'udp':
      return UDP
    case 'sctp':
      return SCTP
    case 'icmp':
      return four ? ICMP : ICMP6
    case 'icmp6':
      return four ? undefined : ICMP6
  }
}

type Network = readonly { readonly nth: number; readonly mask: number; readonly value: number }[]

/** Its 32-bit words that say something. undefined = of the other family. */
function networkOf(text: string, { four }: Family): Network | undefined {
  const cidr = parseCidr(text)
  if (cidr === null || isV4(cidr.base) !== four) return undefined
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

function ofPorts(range: Range, offset: number, { four }: Family): Instruction[] {
  if (!four) return [load(LD_H, NET + V6_HEADER + offset), ...within(range)]
  const readPort = [load(LDX_HEADER, NET), load(LD_H_X, NET + offset), ...within(range)]
  return [load(LD_H, NET + 6), ...unless(JUMP_SET, 0x1fff, readPort)]
}

/** Of questions that have an answer of another type: its type (RFC 792, RFC 4443). */
const ANSWERS: Readonly<Record<'four' | 'six', ReadonlyMap<number, number>>> = {
  four: new Map([
    [8, 0],
    [13, 14],
  ]),
  six: new Map([[128, 129]]),
}

/** Types as the question has them; its answer has another, or the same. null = nothing. */
function ofType(
  { from, to }: Range,
  isQuestion: boolean,
  { four }: Family,
  protocol: 'icmp' | 'icmp6',
): Instruction[] | null {
  // A type is one byte, whatever a server says.
  const asked = Array.from({ length: Math.min(to, 255) - from + 1 }, (_, i) => from + i).map((type) =>
    !four && protocol === 'icmp' && type === 8 ? 128 : type,
  )
  const types = isQuestion ? asked : asked.map((type) => ANSWERS[four ? 'four' : 'six'].get(type) ?? type)
  const read = four ? [load(LDX_HEADER, NET), load(LD_B_X, NET)] : [load(LD_B, NET + V6_HEADER)]
  return [...read, ...types.flatMap((type) => when(JUMP_EQ, type, [ret(COPY)]))]
}

/** What level `flows` copies (see mirror-filters.ts) is left to it. */
function withoutOpenings({ four, protocolAt }: Family): Instruction[] {
  const header = four ? [load(LDX_HEADER, NET)] : []
  const read = (wide: boolean, offset: number): Instruction =>
    four ? load(wide ? LD_H_X : LD_B_X, NET + offset) : load(wide ? LD_H : LD_B, NET + V6_HEADER + offset)
  const leave = [ret(0)]
  return [
    ...(four ? [load(LD_B, NET), load(AND, 0x0f), ...unless(JUMP_EQ, 5, leave)] : []),
    load(LD_B, NET + protocolAt),
    ...when(JUMP_EQ, four ? ICMP : ICMP6, leave),
    ...when(JUMP_EQ, TCP, [...header, read(false, 13), ...when(JUMP_SET, OPENING_FLAGS, leave)]),
    load(LD_B, NET + protocolAt),
    ...when(
      JUMP_EQ,
      UDP,
      [0, 2].flatMap((offset) => [...header, read(true, offset), ...when(JUMP_EQ, DNS, leave)]),
    ),
  ]
}
