/**
 * What the host remembers across any death: `intent` (what is being tried, and how to take it back) and `confirmed`
 * (what holds). A record is a temp file, fsync, rename, fsync of the folder, with a checksum in its first line.
 * `confirmed` appearing under its name is the only commit point. Depends on `node:` alone, because the supervisor reads it.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Generation } from '../model/desired.ts'
import { sameGeneration } from '../model/same-generation.ts'
import { effectSync } from './fault.ts'
import type { Step } from './step.ts'
import { syncFolder, writeSynced } from './write-synced.ts'

export type Intent = {
  readonly generation: Generation
  /** The kernel's boot id: after another boot an unconfirmed intent is dead. */
  readonly boot: string
  /** CLOCK_MONOTONIC, ms: the same for every process of one boot. */
  readonly deadlineMs: number
  readonly before: unknown
  readonly after: unknown
  /** How the supervisor, which compiles nothing, takes it back. */
  readonly undo: readonly Step[]
  readonly since?: Since
}
export type Confirmed = {
  readonly generation: Generation
  readonly boot: string
  readonly snapshot: unknown
  readonly since?: Since
}
/** When it was written down: by the clock that what is in it ends by (epoch ms), and by `monotonicMs`, which nobody sets. Older releases did not say. */
export type Since = { readonly at: number; readonly ranMs: number }

export type Recovery =
  | { readonly hold: 'nothing' }
  /** An intent without its confirmation: this is what was there before it. */
  | { readonly hold: 'before'; readonly intent: Intent; readonly snapshot: unknown }
  | { readonly hold: 'confirmed'; readonly confirmed: Confirmed; readonly snapshot: unknown }

export type Journal = {
  /** Records set aside because they were not whole. */
  readonly corrupt: number
  intend(intent: Intent): void
  commit(confirmed: Confirmed): void
  /** The intent is dealt with. */
  clear(): void
  forget(): void
  intent(): Intent | null
  confirmed(): Confirmed | null
  /** Total: any content of the folder gives an answer. */
  recover(boot: string): Recovery
}

export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return 'unknown'
  }
}

export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/**
 * `now`, but never before what was written down and the time that passed since: just after its start a host may not have
 * heard yet what time it is, and a containment of minutes would be given what is missing on top.
 */
export function notBefore({ boot, since }: Pick<Confirmed, 'boot' | 'since'>, thisBoot: string, now: number): number {
  if (since === undefined) return now
  const ranMs = boot === thisBoot ? Math.max(0, monotonicMs() - since.ranMs) : monotonicMs()
  return Math.max(now, since.at + ranMs)
}

export function openJournal(home: string): Journal {
  const folder = join(home, 'journal')
  effectSync('mkdir', () => mkdirSync(folder, { recursive: true, mode: 0o700 }))
  let corrupt = 0
  const path = (name: string) => join(folder, `${name}.json`)

  const read = (name: 'intent' | 'confirmed'): Record<string, unknown> | null => {
    let bytes: Buffer
    try {
      bytes = readFileSync(path(name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
    const body = unseal(bytes)
    if (body !== null) return body
    corrupt++
    effectSync('set aside', () => renameSync(path(name), join(folder, `${name}.corrupt`)))
    syncFolder(folder)
    return null
  }
  const write = (name: string, body: unknown) => {
    const temporary = join(folder, `.${name}.tmp`)
    writeSynced(temporary, seal(body))
    effectSync('rename', () => renameSync(temporary, path(name)))
    syncFolder(folder)
  }
  const journal: Journal = {
    get corrupt() {
      return corrupt
    },
    intend: (intent) => write('intent', intent),
    commit: (confirmed) => write('confirmed', confirmed),
    clear() {
      effectSync('remove', () => rmSync(path('intent'), { force: true }))
      syncFolder(folder)
    },
    forget() {
      for (const name of ['intent', 'confirmed']) effectSync('remove', () => rmSync(path(name), { force: true }))
      syncFolder(folder)
    },
    intent: () => read('intent') as Intent | null,
    confirmed: () => read('confirmed') as Confirmed | null,
    recover(boot) {
      const intent = journal.intent()
      const confirmed = journal.confirmed()
      if (intent !== null && intent.boot === boot && !isCommitted(intent, confirmed))
        return { hold: 'before', intent, snapshot: intent.before }
      if (confirmed === null) return { hold: 'nothing' }
      return { hold: 'confirmed', confirmed, snapshot: confirmed.snapshot }
    },
  }
  return journal
}

/** Why it is not confirmed; null when it stands under its name, whatever failed behind that (a full disk, a broken one). */
export function commitFault(journal: Journal, confirmed: Confirmed): string | null {
  try {
    journal.commit(confirmed)
    return null
  } catch (error) {
    const isThere = JSON.stringify(journal.confirmed()) === JSON.stringify(confirmed)
    return isThere ? null : (error as Error).message
  }
}

/** A generation that was taken off whole (a panic) is recorded as confirmed with nothing in it, and tried again as itself. */
export function isCommitted({ generation }: Intent, confirmed: Confirmed | null): boolean {
  if (confirmed === null || !sameGeneration(generation, confirmed.generation)) return false
  return (confirmed.snapshot as { readonly state?: unknown } | null)?.state !== null
}

function seal(body: unknown): string {
  const text = JSON.stringify(body)
  return `${createHash('sha256').update(text).digest('hex')}\n${text}\n`
}

/** null unless every byte is as it was written. */
function unseal(bytes: Buffer): Record<string, unknown> | null {
  const end = bytes.indexOf(10)
  if (end !== 64 || bytes.at(-1) !== 10) return null
  const text = bytes.subarray(65, -1)
  if (createHash('sha256').update(text).digest('hex') !== bytes.toString('latin1', 0, 64)) return null
  try {
    const body: unknown = JSON.parse(text.toString('utf8'))
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : null
  } catch {
    return null
  }
}
