/**
 * How much of a window is learnt of its workload's own past: whoever is inside must not teach us, step by step, that what he
 * does is usual. Less while something speaks against the workload, and nothing while it is taken to be somebody else's.
 */
import type { Risk } from '../../model/evidence.ts'

/** Where the personas' ladders begin, and where they take reach away. */
const SUSPICIOUS = 0.3
const ANOMALOUS = 0.7
const SLOWER = 1 / 8

/** 0 to 1. Drift alone stays below suspicion: a host that lawfully changes would never be learnt again. */
export function learningRate(risk: Pick<Risk, 'value'> | null): number {
  if (risk === null || risk.value < SUSPICIOUS) return 1
  return risk.value < ANOMALOUS ? SLOWER : 0
}
