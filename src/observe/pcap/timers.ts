/** What is due when, by the capture's clock: a binary heap whose entries are never taken out early, only passed over. */
export type Timers<T> = {
  readonly size: number
  add(atMs: number, what: T): void
  /** The earliest entry that is due at `nowMs`, taken out; null when none is. */
  due(nowMs: number): T | null
  /** Drops whatever is not wanted any more. */
  sweep(isWanted: (what: T) => boolean): void
}

export function createTimers<T>(): Timers<T> {
  let times: number[] = []
  let entries: T[] = []
  const up = (from: number) => {
    let at = from
    const time = times[at]!
    const entry = entries[at]!
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (times[parent]! <= time) break
      times[at] = times[parent]!
      entries[at] = entries[parent]!
      at = parent
    }
    times[at] = time
    entries[at] = entry
  }
  const down = () => {
    const time = times[0]!
    const entry = entries[0]!
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= times.length) break
      if (child + 1 < times.length && times[child + 1]! < times[child]!) child++
      if (times[child]! >= time) break
      times[at] = times[child]!
      entries[at] = entries[child]!
      at = child
    }
    times[at] = time
    entries[at] = entry
  }
  return {
    get size() {
      return times.length
    },
    add(atMs, what) {
      times.push(atMs)
      entries.push(what)
      up(times.length - 1)
    },
    due(nowMs) {
      if (times.length === 0 || times[0]! > nowMs) return null
      const first = entries[0]!
      const lastTime = times.pop()!
      const lastEntry = entries.pop()!
      if (times.length > 0) {
        times[0] = lastTime
        entries[0] = lastEntry
        down()
      }
      return first
    },
    sweep(isWanted) {
      const kept = entries.map((what, i) => ({ what, at: times[i]! })).filter(({ what }) => isWanted(what))
      // In order of time an array is a heap already.
      kept.sort((a, b) => a.at - b.at)
      times = kept.map(({ at }) => at)
      entries = kept.map(({ what }) => what)
    },
  }
}
