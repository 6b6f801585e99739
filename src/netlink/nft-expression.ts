/**
 * One rule of nf_tables: what it loads into a register, compares, looks up, counts and decides, in the kernel's own
 * pieces (linux/netfilter/nf_tables.h, `NFTA_EXPR_*`), as nft 1.0.6 would send them, so that it lists them in the words
 * they were written in.
 */
import type { Writer } from './nft-writer.ts'

/** Of one packet: what is counted per second, and how much may come at once. */
export type Limit = {
  readonly rate: number
  readonly unit: 'packets' | 'bytes'
  readonly burst: number
  readonly matches: 'below' | 'over'
}
export type Verdict = { readonly act: 'goto' | 'jump'; readonly chain: string }
export type Act = Verdict | { readonly act: 'accept' | 'drop' | 'return' }

/** All but `load` work on register 1, where a load puts its value unless it says otherwise: behind an interface name, or behind that and an address. */
export type Expression =
  | { readonly does: 'meta'; readonly key: keyof typeof META }
  | { readonly does: 'ct'; readonly key: keyof typeof CT; readonly original: boolean; readonly register: Register }
  | {
      readonly does: 'payload'
      readonly base: keyof typeof BASES
      readonly offset: number
      readonly bytes: number
      readonly register: Register
    }
  | { readonly does: 'mask'; readonly mask: Uint8Array }
  | { readonly does: 'compare'; readonly how: keyof typeof COMPARISONS; readonly value: Uint8Array }
  /** `verdict`: what the map says is done. */
  | { readonly does: 'lookup'; readonly set: string; readonly wants: 'inside' | 'outside' | 'verdict' }
  | { readonly does: 'limit'; readonly limit: Limit }
  | { readonly does: 'update'; readonly set: string; readonly limit: Limit }
  | {
      readonly does: 'log'
      readonly prefix: string
      readonly group: number
      readonly snaplen: number
      readonly threshold: number | null
    }
  | { readonly does: 'count' }
  | { readonly does: 'reject'; readonly by: 'tcp-reset' | 'admin-prohibited' }
  | { readonly does: 'decide'; readonly verdict: Act }

/** `comment` is what people and `readBack` find a rule by. */
export type Rule = { readonly expressions: readonly Expression[]; readonly comment: string | null }

const META = { iifname: 6, oifname: 7, iiftype: 8, nfproto: 15, l4proto: 16 } as const
const CT = {
  state: 0,
  direction: 1,
  status: 2,
  protoDst: 12,
  sourceV4: 19,
  destinationV4: 20,
  sourceV6: 21,
  destinationV6: 22,
} as const
const BASES = { link: 0, network: 1, transport: 2 } as const
const COMPARISONS = { '==': 0, '!=': 1, '<=': 3, '>=': 5 } as const
/** NF_DROP, NF_ACCEPT and enum nft_verdicts. */
const CODES = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const
/** As nf_tables.h numbers them: 1, 2 and 3 of sixteen bytes each, 8 and on of four. What is looked up stands in one piece. */
const REGISTERS = { first: 1, behindFace: 2, behindV4: 13, behindV6: 3 } as const
export type Register = keyof typeof REGISTERS
const FIRST = REGISTERS.first

export function writeVerdict(writer: Writer, verdict: Act): void {
  const inner = writer.open(2)
  writer.int(1, CODES[verdict.act])
  if ('chain' in verdict) writer.text(2, verdict.chain)
  writer.shut(inner)
}

/** A rule's list of expressions, and its comment as nft keeps it (libnftnl/udata.h: type 0, length, text, NUL). */
export function writeRule(writer: Writer, { expressions, comment }: Rule): void {
  const list = writer.open(4)
  for (const expression of expressions) {
    const element = writer.open(1)
    writeExpression(writer, expression)
    writer.shut(element)
  }
  writer.shut(list)
  if (comment === null) return
  const start = writer.value(7, comment.length + 3)
  writer.bytes[start] = 0
  writer.bytes[start + 1] = comment.length + 1
  for (let i = 0; i < comment.length; i++) writer.bytes[start + 2 + i] = comment.charCodeAt(i)
  writer.bytes[start + 2 + comment.length] = 0
}

function writeExpression(writer: Writer, expression: Expression): void {
  writer.text(1, NAMES[expression.does])
  const data = writer.open(2)
  switch (expression.does) {
    case 'meta':
      writer.int(1, FIRST)
      writer.int(2, META[expression.key])
      break
    case 'ct':
      writer.int(1, REGISTERS[expression.register])
      writer.int(2, CT[expression.key])
      if (expression.original) writer.byte(3, 0)
      break
    case 'payload':
      writer.int(1, REGISTERS[expression.register])
      writer.int(2, BASES[expression.base])
      writer.int(3, expression.offset)
      writer.int(4, expression.bytes)
      break
    case 'mask':
      writer.int(1, FIRST)
      writer.int(2, FIRST)
      writer.int(3, expression.mask.length)
      writeData(writer, 4, expression.mask)
      writeData(writer, 5, new Uint8Array(expression.mask.length))
      break
    case 'compare':
      writer.int(1, FIRST)
      writer.int(2, COMPARISONS[expression.how])
      writeData(writer, 3, expression.value)
      break
    case 'lookup':
      writer.text(1, expression.set)
      writer.int(2, FIRST)
      if (expression.wants === 'verdict') writer.int(3, 0)
      if (expression.wants === 'outside') writer.int(5, 1)
      break
    case 'limit':
      writeLimit(writer, expression.limit)
      break
    case 'update': {
      writer.text(1, expression.set)
      writer.int(3, 1)
      writer.int(4, FIRST)
      const inner = writer.open(7)
      writer.text(1, NAMES.limit)
      const limit = writer.open(2)
      writeLimit(writer, expression.limit)
      writer.shut(limit)
      writer.shut(inner)
      break
    }
    case 'log':
      writer.short(1, expression.group)
      writer.text(2, expression.prefix)
      writer.int(3, expression.snaplen)
      if (expression.threshold !== null) writer.short(4, expression.threshold)
      break
    case 'count':
      break
    case 'reject':
      writer.int(1, expression.by === 'tcp-reset' ? 1 : 2)
      if (expression.by === 'admin-prohibited') writer.byte(2, 3)
      break
    case 'decide': {
      writer.int(1, 0)
      const value = writer.open(2)
      writeVerdict(writer, expression.verdict)
      writer.shut(value)
    }
  }
  writer.shut(data)
}

const NAMES: Readonly<Record<Expression['does'], string>> = {
  meta: 'meta',
  ct: 'ct',
  payload: 'payload',
  mask: 'bitwise',
  compare: 'cmp',
  lookup: 'lookup',
  limit: 'limit',
  update: 'dynset',
  log: 'log',
  count: 'counter',
  reject: 'reject',
  decide: 'immediate',
}

function writeData(writer: Writer, type: number, value: Uint8Array): void {
  const data = writer.open(type)
  writer.raw(1, value)
  writer.shut(data)
}

function writeLimit(writer: Writer, { rate, unit, burst, matches }: Limit): void {
  writer.long(1, rate)
  writer.long(2, 1)
  writer.int(3, burst)
  writer.int(4, unit === 'bytes' ? 1 : 0)
  writer.int(5, matches === 'over' ? 1 : 0)
}
