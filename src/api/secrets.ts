/**
 * Secrets at rest: argon2id (RFC 9106) as PHC strings, and the form of a token. The first letter of a token's id says what
 * it is: `t` an API token, `f` the first-run link, `e` an enrolment; the last two work once and never as a bearer.
 */
import { argon2, createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** OWASP's second choice for argon2id: 19 MiB, two passes, one lane; about 40 ms here. */
const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const

function derive(secret: string, salt: Buffer, parameters: typeof PARAMETERS | ParsedPhc): Promise<Buffer> {
  const { memory, passes, parallelism, tagLength } = parameters
  return new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      { message: Buffer.from(secret), nonce: salt, memory, passes, parallelism, tagLength },
      (error, key) => (error === null ? resolve(key) : reject(error)),
    )
  })
}

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16)
  const tag = await derive(secret, salt, PARAMETERS)
  const { memory, passes, parallelism } = PARAMETERS
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

type ParsedPhc = { memory: number; passes: number; parallelism: number; tagLength: number; salt: Buffer; tag: Buffer }
const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** False for a wrong secret and for a hash that is not ours; the comparison takes the same time either way. */
export async function verifySecret(secret: string, phc: string): Promise<boolean> {
  const found = PHC.exec(phc)
  if (found === null) return false
  const salt = Buffer.from(found[4]!, 'base64')
  const tag = Buffer.from(found[5]!, 'base64')
  const parameters = { memory: +found[1]!, passes: +found[2]!, parallelism: +found[3]!, tagLength: tag.length }
  return timingSafeEqual(await derive(secret, salt, { ...parameters, salt, tag }), tag)
}

export type TokenKind = 'token' | 'firstRun' | 'enrolment'
const LETTER = { token: 't', firstRun: 'f', enrolment: 'e' } as const satisfies Record<TokenKind, string>

export type TokenText = { readonly id: string; readonly kind: TokenKind; readonly secret: string }

export function makeToken(kind: TokenKind): TokenText {
  return {
    id: `${LETTER[kind]}${randomBytes(6).toString('hex')}`,
    kind,
    secret: randomBytes(32).toString('base64url'),
  }
}

export function formatToken(token: TokenText): string {
  return `guise_${token.id}_${token.secret}`
}

const TOKEN = /^guise_([tfe][0-9a-f]{12})_([A-Za-z0-9_-]{43})$/

export function parseToken(text: string): TokenText | null {
  const found = TOKEN.exec(text)
  if (found === null) return null
  const id = found[1]!
  const kind = id[0] === 't' ? 'token' : id[0] === 'f' ? 'firstRun' : 'enrolment'
  return { id, kind, secret: found[2]! }
}

export function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('base64url')
}

export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}
