/** The hash chain as arithmetic: canonical JSON, and the hash of a row over it and over the hash before. Pure. */
import { createHash } from 'node:crypto'

export const GENESIS = Buffer.alloc(32)

/** JSON with sorted keys and no white space (RFC 8785: ECMAScript numbers and strings, UTF-16 order of names). */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return canonicalJson(value.toJSON())
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined && typeof field !== 'function')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`
}

export function chainHash(previous: Buffer, body: string): Buffer {
  return createHash('sha256').update(previous).update(body, 'utf8').digest()
}

/** What is signed: whose chain, how long it is, and its last hash. */
export function headMessage(tenant: string, n: number, hash: Buffer): Buffer {
  return Buffer.from(canonicalJson({ guise: 'ledger-head/1', tenant, n, hash: hash.toString('hex') }))
}
