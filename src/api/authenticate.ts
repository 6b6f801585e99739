/**
 * Bearer tokens and sessions → `Principal`. argon2id is asked once per token and minute; a token seen before costs one
 * SHA-256. Bad tokens are answered without argon2 where possible and are rate-limited, so that guessing cannot keep the
 * threads that verify busy.
 */
import { randomBytes } from 'node:crypto'
import type { TokenRecord } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import { mintToken } from './auth.ts'
import type { Principal } from './principal.ts'
import { Problem } from './problem.ts'
import { parseToken, sha256, type TokenText, verifySecret } from './secrets.ts'
import { createThrottle } from './throttle.ts'

export const SESSION_COOKIE = 'guise_session'
export const SESSION_MS = 8 * 3_600_000
const VERIFIED_MS = 60_000
/** A stream that was opened with a token or a session that ends by itself closes within this. */
const RECHECK_MS = 60_000
const MAX_VERIFIED = 10_000
/** argon2 at 19 MiB each: more at once starves the event loop's thread pool. */
const MAX_VERIFYING = 2
const MAX_QUEUED = 32

export type Session = { readonly cookie: string; readonly csrf: string; readonly principal: Principal }

export type Auth = {
  bearer(text: string, from: string): Promise<Principal>
  session(cookie: string): Promise<Principal | null>
  /** Exchanges an API token or the first-run secret for a session. */
  open(text: string, from: string): Promise<Session>
  close(principal: Principal): Promise<void>
  /** Uses a single-use secret of this kind up; answers its record. */
  spend(text: string, kind: 'firstRun' | 'enrolment', from: string): Promise<TokenRecord>
  /** Calls `gone` once the session was closed or the token removed, or within a minute of its end; answers how to stop watching. */
  watch(via: Watched, gone: () => void): () => void
  /** After a token was removed: what was verified before counts no more, and who watches it is told. */
  forget(id: string): void
}

type Watched = Exclude<Principal['via'], { readonly kind: 'local' }>

export type AuthDeps = { readonly store: () => Store; readonly clock: () => number }

const refusal = () =>
  new Problem(
    401,
    'token-refused',
    'The token is not known here, or no longer.',
    'Use a current token: guise token create.',
    {
      headers: { 'www-authenticate': 'Bearer realm="guise"' },
    },
  )

const busy = () =>
  new Problem(429, 'too-many-attempts', 'Too many attempts with bad tokens.', 'Wait a second, then try again.', {
    headers: { 'retry-after': '1' },
  })

export function createAuth(deps: AuthDeps): Auth {
  const verified = new Map<string, { readonly record: TokenRecord; readonly until: number }>()
  /** By token, and by session. */
  const watching = new Map<string, Set<() => void>>()
  const usedAt = new Map<string, number>()
  /** Whose secrets are looked at just now: a token may be removed meanwhile. */
  const checking = new Set<{ readonly id: string; isGone: boolean }>()
  const failures = createThrottle({ clock: deps.clock, perSecond: 20, burst: 40, keys: 10_000 })
  const verify = limited(MAX_VERIFYING, MAX_QUEUED)

  /** The record when secret and time are right; throws 401 or 429 otherwise. */
  async function check(token: TokenText, from: string): Promise<TokenRecord> {
    const keys = [`from ${from}`, `id ${token.id}`]
    if (!keys.every((key) => failures.take(key))) throw busy()
    const record = await deps.store().tokens.byId(token.id)
    const good = record !== null && (await verify(() => verifySecret(token.secret, record.hash)))
    if (!good || expired(record)) throw refusal()
    for (const key of keys) failures.giveBack(key)
    return record
  }

  const expired = (record: TokenRecord) => record.expiresAt !== null && record.expiresAt <= deps.clock()

  async function known(text: string, from: string): Promise<TokenRecord> {
    const token = parseToken(text)
    if (token === null || token.kind !== 'token') throw refusal()
    const key = sha256(text)
    const hit = verified.get(key)
    if (hit !== undefined && hit.until > deps.clock() && !expired(hit.record)) return hit.record
    verified.delete(key)
    const asked = { id: token.id, isGone: false }
    checking.add(asked)
    const record = await check(token, from).finally(() => checking.delete(asked))
    // Removed after its record was read: cached now, it would be accepted for a minute more.
    if (asked.isGone) throw refusal()
    if (verified.size >= MAX_VERIFIED) verified.delete(verified.keys().next().value!)
    verified.set(key, { record, until: deps.clock() + VERIFIED_MS })
    return record
  }

  /** `lastUsed` is for people: once a minute is enough, and a failure to write it refuses nobody. */
  function noteUse(id: string): void {
    const now = deps.clock()
    if ((usedAt.get(id) ?? 0) + VERIFIED_MS > now) return
    if (usedAt.size >= MAX_VERIFIED) usedAt.clear()
    usedAt.set(id, now)
    deps
      .store()
      .tokens.used(id, now)
      .catch(() => {})
  }

  function tellGone(key: string): void {
    for (const gone of [...(watching.get(key) ?? [])]) gone()
  }

  async function holds(via: Watched): Promise<boolean> {
    const record = await deps.store().tokens.byId(via.token)
    if (record === null || expired(record)) return false
    return via.kind === 'token' || (await deps.store().sessions.get(via.id, deps.clock())) !== null
  }

  async function start(record: TokenRecord): Promise<Session> {
    const cookie = randomBytes(32).toString('base64url')
    const csrf = randomBytes(32).toString('base64url')
    const now = deps.clock()
    const expiresAt = Math.min(now + SESSION_MS, record.expiresAt ?? Number.POSITIVE_INFINITY)
    // The record holds the hash: a copy of the database opens no session.
    const id = sha256(cookie)
    await deps.store().sessions.add({ id, tenant: record.tenant, token: record.id, csrf, createdAt: now, expiresAt })
    return { cookie, csrf, principal: sessionOf(record, id, csrf) }
  }

  const auth: Auth = {
    async bearer(text, from) {
      const record = await known(text, from)
      noteUse(record.id)
      return {
        tenant: record.tenant,
        name: record.name,
        actor: record.role === 'agent' ? `agent:${record.agent ?? record.name}` : record.name,
        role: record.role,
        agent: record.agent,
        via: { kind: 'token', token: record.id },
      }
    },
    async session(cookie) {
      if (!/^[A-Za-z0-9_-]{43}$/.test(cookie)) return null
      const id = sha256(cookie)
      const session = await deps.store().sessions.get(id, deps.clock())
      if (session === null) return null
      const record = await deps.store().tokens.byId(session.token)
      if (record === null || expired(record)) return null
      noteUse(record.id)
      return sessionOf(record, id, session.csrf)
    },
    async open(text, from) {
      const token = parseToken(text)
      if (token?.kind === 'firstRun') return start(await inherit(deps, await auth.spend(text, 'firstRun', from)))
      const record = await known(text, from)
      if (record.role === 'agent') {
        throw new Problem(403, 'role-refused', 'An agent has no session.', 'Sign in with a token of a person.')
      }
      return start(record)
    },
    async close(principal) {
      if (principal.via.kind !== 'session') return
      await deps.store().sessions.remove(principal.via.id)
      tellGone(principal.via.id)
    },
    async spend(text, kind, from) {
      const token = parseToken(text)
      if (token === null || token.kind !== kind) throw refusal()
      const record = await check(token, from)
      if (!(await deps.store().tokens.spend(token.id, deps.clock()))) {
        throw new Problem(
          401,
          'token-spent',
          'This secret was used before; it works once.',
          kind === 'firstRun' ? 'Start the server again for a new link.' : 'Ask an administrator for a new one.',
        )
      }
      return record
    },
    watch(via, gone) {
      const keys = via.kind === 'session' ? [via.token, via.id] : [via.token]
      const stop = () => {
        clearInterval(recheck)
        for (const key of keys) {
          const watchers = watching.get(key)
          if (watchers?.delete(end) === true && watchers.size === 0) watching.delete(key)
        }
      }
      const end = () => {
        stop()
        gone()
      }
      const recheck = setInterval(() => {
        holds(via)
          .then((still) => !still && end())
          .catch(() => {})
      }, RECHECK_MS).unref()
      for (const key of keys) watching.set(key, (watching.get(key) ?? new Set()).add(end))
      return stop
    },
    forget(id) {
      tellGone(id)
      for (const [key, hit] of verified) if (hit.record.id === id) verified.delete(key)
      for (const asked of checking) if (asked.id === id) asked.isGone = true
    },
  }
  return auth
}

function sessionOf(record: TokenRecord, id: string, csrf: string): Principal {
  return {
    tenant: record.tenant,
    name: record.name,
    actor: `session:${record.name}`,
    role: record.role,
    agent: null,
    via: { kind: 'session', token: record.id, id, csrf },
  }
}

/** The first-run secret is gone once used; its session stands on a token of its own whose secret nobody has. */
async function inherit(deps: AuthDeps, record: TokenRecord): Promise<TokenRecord> {
  const { record: own } = await mintToken(deps.store(), {
    tenant: record.tenant,
    name: record.name,
    role: record.role,
    agent: null,
    kind: 'token',
    expiresAt: deps.clock() + SESSION_MS,
    by: 'guise',
    now: deps.clock(),
  })
  return own
}

/** At most `running` at once and `queued` waiting; above that 429, so that a flood is bounded. */
function limited(running: number, queued: number): <T>(work: () => Promise<T>) => Promise<T> {
  let now = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (now >= running) {
      if (waiting.length >= queued) throw busy()
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    now++
    try {
      return await work()
    } finally {
      now--
      waiting.shift()?.()
    }
  }
}
