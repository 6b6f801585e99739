/** The evidence that stands, per subject: of one kind and peer the one that counts most now, under a bound. */
import type { Evidence } from '../model/evidence.ts'

const MAX_PER_SUBJECT = 200

export type EvidenceBook = {
  add(evidence: Evidence): void
  of(subject: string): readonly Evidence[]
  subjects(): Iterable<string>
}

export function createEvidenceBook(): EvidenceBook {
  const book = new Map<string, Map<string, Evidence>>()
  return {
    add(evidence) {
      let mine = book.get(evidence.subject)
      if (mine === undefined) {
        mine = new Map()
        book.set(evidence.subject, mine)
      }
      const key = `${evidence.kind} ${evidence.peer ?? ''}`
      const known = mine.get(key)
      if (known !== undefined && left(known, evidence.at) > evidence.weight) return
      mine.set(key, evidence)
      if (mine.size <= MAX_PER_SUBJECT) return
      const [weakest] = [...mine].sort(([, a], [, b]) => left(a, evidence.at) - left(b, evidence.at))
      mine.delete(weakest![0])
    },
    of: (subject) => [...(book.get(subject)?.values() ?? [])],
    subjects: () => book.keys(),
  }
}

function left(evidence: Evidence, now: number): number {
  return evidence.weight * 0.5 ** (Math.max(0, now - evidence.at) / evidence.halfLifeMs)
}
