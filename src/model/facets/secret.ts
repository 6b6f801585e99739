/**
 * Secrets by reference. A manifest says `{ secret: NAME }`; a resolved state says which version, with a digest that tells a
 * changed value without telling the value. Values are only in the record (sealed) and in the home of an agent that needs them.
 */
import { createHmac } from 'node:crypto'
import { type Static, Type } from 'typebox'

const NAME = '^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$'
export const SecretName = Type.String({ pattern: NAME })

export const SecretWish = Type.Object({ secret: SecretName }, { additionalProperties: false })
export type SecretWish = Static<typeof SecretWish>

export const SecretRef = Type.Object(
  {
    secret: SecretName,
    version: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
    digest: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  },
  { additionalProperties: false },
)
export type SecretRef = Static<typeof SecretRef>

/** What is told of a secret: never its value. */
export type SecretRecord = {
  readonly name: string
  /** The newest. */
  readonly version: number
  /** Those that are kept, newest first. */
  readonly versions: readonly number[]
  readonly updatedAt: number
  readonly updatedBy: string
  /** `Persona NAME`, and `plan ID` for what is worn or about to be. */
  readonly usedBy: readonly string[]
}

/** Keyed with a salt that is kept beside the value, so that a weak value cannot be guessed from its digest. */
export function secretDigest(salt: Buffer, name: string, version: number, value: string): string {
  return createHmac('sha256', salt).update(`${name}\0${version}\0${value}`).digest('base64url')
}

type Path = readonly (string | number)[]

/** Every `{ secret: NAME }` in a value that came as JSON, with its place. */
export function secretsIn(value: unknown, path: Path = []): { readonly name: string; readonly path: Path }[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => secretsIn(item, [...path, i]))
  if (typeof value !== 'object' || value === null) return []
  if (isWish(value)) return [{ name: value.secret, path: [...path, 'secret'] }]
  return Object.entries(value).flatMap(([key, item]) => secretsIn(item, [...path, key]))
}

/** Every resolved reference in a state. */
export function secretRefsIn(value: unknown): SecretRef[] {
  if (Array.isArray(value)) return value.flatMap(secretRefsIn)
  if (typeof value !== 'object' || value === null) return []
  if (isRef(value)) return [value]
  return Object.values(value).flatMap(secretRefsIn)
}

/** The newest version of every secret there is, by name. */
export type SecretBook = ReadonlyMap<string, SecretRef>

/** A wish with `{ secret: NAME }` for `{ secret, version, digest }`; or the names that lead nowhere. */
export function withSecrets<Resolved>(
  wish: unknown,
  book: SecretBook,
): { readonly ok: true; readonly value: Resolved } | { readonly ok: false; readonly missing: readonly string[] } {
  const missing = secretsIn(wish).flatMap(({ name }) => (book.has(name) ? [] : [name]))
  if (missing.length > 0) return { ok: false, missing: [...new Set(missing)] }
  return { ok: true, value: replaced(wish, book) as Resolved }
}

function replaced(value: unknown, book: SecretBook): unknown {
  if (Array.isArray(value)) return value.map((item) => replaced(item, book))
  if (typeof value !== 'object' || value === null) return value
  if (isWish(value)) return { ...book.get(value.secret)! }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, book)]))
}

function isWish(value: object): value is SecretWish {
  const keys = Object.keys(value)
  return keys.length === 1 && keys[0] === 'secret' && typeof (value as SecretWish).secret === 'string'
}

function isRef(value: object): value is SecretRef {
  const { secret, version, digest } = value as Partial<SecretRef>
  return typeof secret === 'string' && typeof version === 'number' && typeof digest === 'string'
}
