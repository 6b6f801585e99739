/**
 * Observe turns what machines saw (conntrack, Zeek logs, sock_diag) into `FlowBatch`es and these into windows and
 * conversations; it draws no conclusion. This file is the seam of a source: bytes come in from a kernel or a log, batches
 * of flow columns go out, and everything lost or refused on the way is counted.
 */
import type { FlowBatch, SourceCounters } from '../model/flow.ts'
import { ownText, plainText } from '../model/plain-text.ts'

export type FlowSource = {
  readonly name: string
  readonly counters: SourceCounters
  /**
   * Ends when the input does, or soon after `signal` fires. A batch is lent: it is refilled once the consumer asks for
   * the next one. In `opened`/`progress`/`closed` rows `state` is news: it is told once, `none` = nothing new.
   */
  batches(signal: AbortSignal): AsyncIterable<FlowBatch>
}

const MAX_EXAMPLES = 20

export function createSourceCounters(): SourceCounters {
  return { read: 0, rows: 0, refused: 0, refusals: [], lost: 0 }
}

/** Counts one refused piece of input and keeps the first twenty as examples. */
export function refuse(counters: SourceCounters, at: { file: string; line?: number; offset?: number }, why: string) {
  counters.refused++
  if (counters.refusals.length < MAX_EXAMPLES)
    counters.refusals.push({ ...at, file: plainText(at.file, 200), why: plainText(why, 300) })
}

/** Application protocols as small integers (`FlowBatch.service`); 0 = none, also for whatever comes after the table is full. */
export type ServiceNames = {
  intern(name: string): number
  nameOf(code: number): string | null
}

/** Names come from logs, that is from attackers: sanitised, cut to what the wire carries, and only so many. */
export function createServiceNames(): ServiceNames {
  const MAX_NAMES = 4096
  const codes = new Map<string, number>()
  const names: (string | null)[] = [null]
  return {
    intern(raw) {
      const known = codes.get(raw)
      if (known !== undefined) return known
      const name = plainText(raw, 32)
      if (name === '' || codes.size >= MAX_NAMES) return 0
      const same = name === raw ? undefined : codes.get(name)
      // A piece of a line would keep the whole line: what is kept is a copy.
      const kept = ownText(name)
      const code = same ?? names.push(kept) - 1
      if (raw.length <= 64 && raw !== name) codes.set(ownText(raw), code)
      codes.set(kept, code)
      return code
    },
    nameOf: (code) => names[code] ?? null,
  }
}
