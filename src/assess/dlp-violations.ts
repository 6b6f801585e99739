/**
 * Refusals by rules about what may leave are evidence: who tried, where to, by which rule. In: what the kernel logged as
 * refused; out: one item per rule's kind and peer, said again when it goes on. Kernels log behind the check of source addresses,
 * so nobody can have been framed.
 */
import type { Evidence } from '../model/evidence.ts'
import { saySpan } from './detector.ts'

export type Refusal = {
  /** Who sent it, and to whom. */
  readonly from: string
  readonly to: string
  readonly port: number
  readonly rule: string
  /** epoch ms */
  readonly at: number
}
export type DlpViolations = {
  readonly held: number
  readonly refused: number
  /** Passes over what other rules refused. */
  add(refusal: Refusal): void
  /** News since the last call. */
  evaluate(now: number): Evidence[]
  /** What these sent is of no interest any more: they are somebody else's addresses now. */
  drop(addresses: readonly string[]): void
}

const SPAN_MS = 600_000
const HALF_LIFE_MS = 1_800_000
const SAY_AGAIN_MS = 60_000
const MAX_KEYS = 10_000

/** Log-odds of one, what it grows by per doubling, its bound, and the sentence. */
const KINDS = {
  budget: { kind: 'dlp.budget', first: 1.5, most: 3, say: 'was kept from sending more than its budget' },
  burst: { kind: 'dlp.burst', first: 1.5, most: 3, say: 'was kept from sending too much at once' },
  // Alone it says little: anything new is new once.
  destination: {
    kind: 'dlp.destination',
    first: 0.3,
    most: 1,
    say: 'was kept waiting before speaking with somebody new',
  },
  name: {
    kind: 'dlp.name',
    first: 0.7,
    most: 2,
    say: 'was kept from somebody whose name is not among those it may ask',
  },
} as const satisfies Record<string, { kind: Evidence['kind']; first: number; most: number; say: string }>

type Book = {
  readonly kind: keyof typeof KINDS
  readonly rule: string
  times: number
  first: number
  last: number
  saidAt: number
}

export function createDlpViolations(): DlpViolations {
  const held = new Map<string, Book & { readonly from: string; readonly to: string }>()
  const news = new Set<string>()
  let refused = 0
  return {
    get held() {
      return held.size
    },
    get refused() {
      return refused
    },
    add({ from, to, port, rule, at }) {
      const kind = /\/dlp\/(budget|burst|destination|name)(?:\/\d+)?$/.exec(rule)?.[1] as keyof typeof KINDS | undefined
      if (kind === undefined) return
      // One that sends too much in all sends to many: the rule is what it broke, not each of them.
      const peer = port === 0 ? to : `${to}${to.includes(':') ? '' : `:${port}`}`
      const key = `${from} ${rule} ${kind === 'burst' || kind === 'budget' ? '' : to}`
      const known = held.get(key)
      // A clock that was set back begins anew, too.
      if (known === undefined || Math.abs(at - known.last) > SPAN_MS) {
        if (known === undefined && held.size >= MAX_KEYS) {
          refused++
          return
        }
        held.set(key, { kind, rule, from, to: peer, times: 1, first: at, last: at, saidAt: Number.NEGATIVE_INFINITY })
      } else {
        known.times++
        known.last = Math.max(known.last, at)
      }
      news.add(key)
    },
    evaluate(now) {
      const found: Evidence[] = []
      for (const key of news) {
        const book = held.get(key)!
        if (Math.abs(now - book.saidAt) < SAY_AGAIN_MS) continue
        book.saidAt = now
        news.delete(key)
        found.push(toEvidence(book))
      }
      for (const [key, { last }] of held) if (Math.abs(now - last) > SPAN_MS && !news.has(key)) held.delete(key)
      return found
    },
    drop(addresses) {
      for (const [key, { from }] of held) if (addresses.includes(from) && held.delete(key)) news.delete(key)
    },
  }
}

function toEvidence({
  kind,
  rule,
  from,
  to,
  times,
  first,
  last,
}: Book & { readonly from: string; readonly to: string }): Evidence {
  const { kind: word, first: weight, most, say } = KINDS[kind]
  const span = times === 1 ? '' : `, ${times} packets in ${saySpan(last - first)}`
  return {
    kind: word,
    subject: from,
    peer: to.slice(0, 128),
    weight: Math.min(most, weight + Math.log2(times) / 4),
    halfLifeMs: HALF_LIFE_MS,
    at: last,
    authenticated: true,
    source: 'kernel dlp/1',
    why: `${say}, last to ${to}${span} (rule ${rule})`.slice(0, 500),
    figures: { packets: times, spanMs: last - first },
  }
}
