/**
 * The only places where names become nft words. Rule ids, labels and set names are written by people or observed, so
 * each has one encoder; nothing else of them reaches kernel text.
 */
import { createHash } from 'node:crypto'

/** 64 bits: two different chains of one table do not meet by accident. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** The kernel keeps 128 bytes of a comment and of a log prefix, NUL included (NFTNL_UDATA_COMMENT_MAXLEN, NF_LOG_PREFIXLEN). */
const LONGEST = 120

/**
 * A rule id as it stands in comments and NFLOG prefixes: what could end a string, start a statement or turn the
 * reading direction becomes `_`, and a digest keeps changed ids apart. nft knows no escape inside quotes.
 */
export function encodeId(id: string): string {
  const plain = id.replace(/[^A-Za-z0-9_.,:/()@+=~ -]/g, '_')
  if (plain === id && id.length > 0 && id.length <= LONGEST) return id
  return `${plain.slice(0, LONGEST - 9)}~${digest(id).slice(0, 8)}`
}

/** `persona:database` → `set_persona_database_5f2e8c01`; plain names stay as they are. Injective by the digest. */
export function encodeSetName(name: string): string {
  return /^[A-Za-z0-9]{1,64}$/.test(name)
    ? `set_${name}`
    : `set_${name.replace(/[^A-Za-z0-9]/g, '_')}_${digest(name).slice(0, 8)}`
}

const V4_MASKS = Array.from({ length: 33 }, (_, length) => {
  const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.')
})

/** nft writes `ct original ip daddr & MASK @set`, so each prefix length needs its mask as an address. */
export function maskText(family: 4 | 6, length: number): string {
  if (family === 4) return V4_MASKS[length]!
  const groups = Array.from({ length: 8 }, (_, i) => {
    const bits = Math.min(16, Math.max(0, length - i * 16))
    return ((0xffff << (16 - bits)) & 0xffff).toString(16)
  })
  return groups.join(':')
}
