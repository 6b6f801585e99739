/** What somebody else changed of ours is put back: at once when the kernel says so, else every second. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Enforcer } from '../enforce/enforcer.ts'
import { watchKernel } from '../enforce/watch.ts'
import type { Mode } from '../model/policy.ts'

const REPAIR_EVERY_MS = 1_000
const LISTEN_EVERY_MS = 400

/**
 * A table that takes long to list is listed less often, so that looking stays below a tenth of our time. What had to be put
 * back is told soon (`repaired`). A look that was overtaken by a panic may have put something back: the next one follows
 * without a rest. When a panic was lifted, `lifted` asks for what should be in force. Ends with `signal`.
 */
export async function repairForever(
  enforcer: Enforcer,
  options: {
    readonly mode: () => Mode
    readonly repaired: () => void
    readonly lifted: () => void
    readonly say: (line: string) => void
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { mode, repaired, lifted, say, signal } = options
  const watch = await watchKernel()
  let wasHeld = mode() !== 'enforce'
  while (!signal.aborted) {
    const isHeld = mode() !== 'enforce'
    if (wasHeld && !isHeld) lifted()
    wasHeld = isHeld
    const began = performance.now()
    const noticed = watch?.take()
    const before = enforcer.counters.driftRepairs
    const modeBefore = mode()
    await enforcer.repair(noticed).catch((error: Error) => say(error.message))
    if (enforcer.counters.driftRepairs > before) repaired()
    if (mode() !== modeBefore) continue
    const tookMs = performance.now() - began
    const until = performance.now() + Math.max(REPAIR_EVERY_MS, 9 * tookMs)
    let told = false
    while (!signal.aborted && !told && performance.now() < until) {
      await wait(Math.max(LISTEN_EVERY_MS, tookMs), undefined, { signal }).catch(() => {})
      told = watch?.peek() === true
    }
  }
  watch?.close()
}
