/** What is due when, by the capture's clock: a binary heap whose entries are never taken out early, only passed over. */
export type Timers<T> = {
  readonly size: number
  /** The kind of the entry `due` gave last. */
  readonly dueKind: number
  add(atMs: number, what: T, kind: number): void
  /** The earliest entry that is due at `nowMs`, taken out; null when none is. */
  due(nowMs: number): T | null
  /** Drops whatever is not wanted any more. */
  sweep(isWanted: (what: T) => boolean): void
}

/** Three columns instead of an object per entry: there are millions of entries. */
type Heap<T> = { readonly times: number[]; readonly whats: T[]; readonly kinds: number[] }

export function createTimers<T>(): Timers<T> {
  let heap: Heap<T> = { times: [], whats: [], kinds: [] }
  let dueKind = 0
  return {
    get size() {
      return heap.times.length
    },
    get dueKind() {
      return dueKind
    },
    add(atMs, what, kind) {
      heap.times.push(atMs)
      heap.whats.push(what)
      heap.kinds.push(kind)
      up(heap)
    },
    due(nowMs) {
      if (heap.times.length === 0 || heap.times[0]! > nowMs) return null
      const what = heap.whats[0]!
      dueKind = heap.kinds[0]!
      const time = heap.times.pop()!
      const last = heap.whats.pop()!
      const kind = heap.kinds.pop()!
      if (heap.times.length > 0) down(heap, time, last, kind)
      return what
    },
    sweep(isWanted) {
      const kept = [...heap.times.keys()].filter((i) => isWanted(heap.whats[i]!))
      // In order of time an array is a heap already.
      kept.sort((a, b) => heap.times[a]! - heap.times[b]!)
      heap = {
        times: kept.map((i) => heap.times[i]!),
        whats: kept.map((i) => heap.whats[i]!),
        kinds: kept.map((i) => heap.kinds[i]!),
      }
    },
  }
}

function put<T>(heap: Heap<T>, at: number, time: number, what: T, kind: number): void {
  heap.times[at] = time
  heap.whats[at] = what
  heap.kinds[at] = kind
}

function move<T>(heap: Heap<T>, from: number, to: number): void {
  put(heap, to, heap.times[from]!, heap.whats[from]!, heap.kinds[from]!)
}

/** Lets the last entry rise to its place. */
function up<T>(heap: Heap<T>): void {
  let at = heap.times.length - 1
  const time = heap.times[at]!
  const what = heap.whats[at]!
  const kind = heap.kinds[at]!
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (heap.times[parent]! <= time) break
    move(heap, parent, at)
    at = parent
  }
  put(heap, at, time, what, kind)
}

/** Puts an entry in the place of the first and lets it sink. */
function down<T>(heap: Heap<T>, time: number, what: T, kind: number): void {
  const { times } = heap
  let at = 0
  for (;;) {
    let child = at * 2 + 1
    if (child >= times.length) break
    if (child + 1 < times.length && times[child + 1]! < times[child]!) child++
    if (times[child]! >= time) break
    move(heap, child, at)
    at = child
  }
  put(heap, at, time, what, kind)
}
