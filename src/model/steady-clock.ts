/**
 * Time that goes on evenly when somebody sets the host's clock: denies end by it, so a clock that is set by days must
 * neither end nor prolong one. Small corrections (NTP) are followed; a step is believed after an hour, when what was in
 * force at that moment has ended by the kernel's own timers, and at once where the time before it cannot be right.
 */
const STEP_MS = 30_000
const BELIEVED_AFTER_MS = 3_600_000
/** 2025-01-01: before this, the host had not yet heard what time it is. */
const TOO_EARLY = 1_735_689_600_000

/** `wall` tells epoch ms and may be set; `elapsed` tells ms since some start, counts suspended time and cannot be set. */
export function createSteadyClock(wall: () => number, elapsed: () => number): () => number {
  let base = wall() - elapsed()
  let steppedAt: number | null = null
  return () => {
    const now = wall()
    const ran = elapsed()
    const steady = base + ran
    if (Math.abs(now - steady) >= STEP_MS && steady >= TOO_EARLY) {
      steppedAt ??= ran
      if (ran - steppedAt < BELIEVED_AFTER_MS) return Math.round(steady)
    }
    steppedAt = null
    base = now - ran
    return now
  }
}
