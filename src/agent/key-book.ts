/** Id of a workload → its key, also for a while after it went: its last windows and conversations are told later. */

export type KeyBook = {
  readonly size: number
  /** Those that are here now, whole; `now`: epoch ms or any clock that goes on. */
  set(keys: readonly (readonly [id: string, key: string])[], now: number): void
  /** The id itself of one that is not known. */
  keyOf(id: string): string
}

const GONE_MS = 600_000

export function createKeyBook(): KeyBook {
  const keys = new Map<string, string>()
  const goneAt = new Map<string, number>()
  return {
    get size() {
      return keys.size
    },
    set(here, now) {
      const ids = new Set(here.map(([id]) => id))
      for (const id of keys.keys()) if (!ids.has(id) && !goneAt.has(id)) goneAt.set(id, now)
      for (const [id, key] of here) {
        keys.set(id, key)
        goneAt.delete(id)
      }
      for (const [id, at] of goneAt) {
        // In the order in which they went.
        if (now - at < GONE_MS) break
        goneAt.delete(id)
        keys.delete(id)
      }
    },
    keyOf: (id) => keys.get(id) ?? id,
  }
}
