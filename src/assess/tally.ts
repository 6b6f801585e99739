/** Distinct things per key within a sliding span, under a bound: (source, port) → addresses, (source, target) → ports. */

export type Tally = {
  readonly size: number
  /** Sightings that could not be counted because there was no room for another key. */
  readonly refused: number
  add(key: number, thing: number, at: number, isProven: boolean): void
  /** Keys with something new since the last call. */
  takeNews(): number[]
  read(key: number): {
    readonly count: number
    /** Of them, those seen within a minute of the last. */
    readonly recent: number
    /** More things were seen than are kept. */
    readonly isCut: boolean
    readonly things: Iterable<number>
    readonly last: number
    /** From the oldest to the newest thing that counts. */
    readonly spanMs: number
    readonly isProven: boolean
  }
  /** As a detector's. */
  forget(before: number, after?: number): void
  drop(isGone: (key: number) => boolean): void
}

type Entry = { readonly things: Map<number, number>; last: number; proven: number; isCut: boolean }

export function createTally(options: {
  readonly spanMs: number
  readonly maxKeys: number
  /** Things kept per key: enough to be far above any threshold. */
  readonly maxThings: number
}): Tally {
  const entries = new Map<number, Entry>()
  const news = new Set<number>()
  let refused = 0

  const expire = (entry: Entry) => {
    const before = entry.last - options.spanMs
    for (const [thing, at] of entry.things) if (at < before) entry.things.delete(thing)
    entry.isCut = entry.isCut && entry.things.size >= options.maxThings
  }

  return {
    get size() {
      return entries.size
    },
    get refused() {
      return refused
    },
    add(key, thing, at, isProven) {
      let entry = entries.get(key)
      if (entry === undefined) {
        if (entries.size >= options.maxKeys) {
          refused++
          return
        }
        entry = { things: new Map(), last: at, proven: Number.NEGATIVE_INFINITY, isCut: false }
        entries.set(key, entry)
      }
      entry.last = Math.max(entry.last, at)
      if (isProven) entry.proven = Math.max(entry.proven, at)
      news.add(key)
      const seen = entry.things.get(thing)
      if (seen === undefined && entry.things.size >= options.maxThings) {
        expire(entry)
        if (entry.things.size >= options.maxThings) {
          entry.isCut = true
          return
        }
      }
      entry.things.set(thing, Math.max(seen ?? at, at))
    },
    takeNews() {
      const keys = [...news]
      news.clear()
      return keys
    },
    read(key) {
      const entry = entries.get(key)
      if (entry === undefined)
        return { count: 0, recent: 0, isCut: false, things: [], last: 0, spanMs: 0, isProven: false }
      expire(entry)
      let first = entry.last
      let recent = 0
      for (const at of entry.things.values()) {
        first = Math.min(first, at)
        if (at >= entry.last - 60_000) recent++
      }
      return {
        count: entry.things.size,
        recent,
        isCut: entry.isCut,
        things: entry.things.keys(),
        last: entry.last,
        spanMs: entry.last - first,
        isProven: entry.proven >= entry.last - options.spanMs,
      }
    },
    forget(before, after = Number.POSITIVE_INFINITY) {
      for (const [key, entry] of entries)
        if (entry.last < before || entry.last > after) {
          entries.delete(key)
          news.delete(key)
        }
    },
    drop(isGone) {
      for (const key of entries.keys()) if (isGone(key) && entries.delete(key)) news.delete(key)
    },
  }
}
