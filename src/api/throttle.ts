/** A token bucket per key, bounded in keys: what fails too often is turned away before it costs anything. */
export type Throttle = {
  /** Taken before the work, so that many at once do not all get through before the first has failed. */
  take(key: string): boolean
  /** After success: only failures count. */
  giveBack(key: string): void
}

export function createThrottle(limits: {
  readonly clock: () => number
  readonly perSecond: number
  readonly burst: number
  readonly keys: number
}): Throttle {
  const buckets = new Map<string, { left: number; at: number }>()
  const refill = (key: string) => {
    const bucket = buckets.get(key)
    if (bucket === undefined) return undefined
    const now = limits.clock()
    bucket.left = Math.min(limits.burst, bucket.left + ((now - bucket.at) / 1_000) * limits.perSecond)
    bucket.at = now
    return bucket
  }
  return {
    take(key) {
      const bucket = refill(key)
      if (bucket === undefined) {
        if (buckets.size >= limits.keys) buckets.delete(buckets.keys().next().value!)
        buckets.set(key, { left: limits.burst - 1, at: limits.clock() })
        return true
      }
      if (bucket.left < 1) return false
      bucket.left -= 1
      return true
    },
    giveBack(key) {
      const bucket = refill(key)
      if (bucket !== undefined) bucket.left = Math.min(limits.burst, bucket.left + 1)
    },
  }
}
