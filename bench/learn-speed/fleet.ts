/** Readings of a fleet that go through six modes each, with holes, drawn before anything is timed. */
import { seeded } from '../../src/learn/random.ts'
import type { Batch } from '../../src/learn/watch/kalman-bank.ts'
import { METRICS } from '../../src/learn/watch/metrics.ts'
import { REGIMES } from '../../src/learn/watch/regime-step.ts'
import { createBatch } from '../../src/learn/watch/watch.ts'

/** Of a hundred readings. */
const MISSING = 3
/** A mode lasts some two windows: so that all six are met. */
const STAYS = 0.5

/** Batches that follow each other, to be gone through in a circle. */
export function drawFleet(workloads: number, ticks: number, seed: number): Batch[] {
  const random = seeded(seed)
  const width = METRICS.length
  const modes = Float64Array.from({ length: workloads * REGIMES * width }, () => 2 + 8 * random())
  const mode = new Uint8Array(workloads)
  return Array.from({ length: ticks }, () => {
    const batch = createBatch(workloads)
    for (let w = 0; w < workloads; w++) {
      batch.rows[w] = w
      batch.steps[w] = 1
      if (random() > STAYS) mode[w] = Math.floor(random() * REGIMES)
      for (let m = 0; m < width; m++)
        batch.readings[w * width + m] =
          random() * 100 < MISSING
            ? Number.NaN
            : modes[(w * REGIMES + mode[w]!) * width + m]! + 0.4 * (random() + random() - 1)
    }
    return batch
  })
}
