/**
 * The product's own way from flows to scores, as agent and server walk it: windows per workload and tick, all detectors, and
 * for each 30 s window a belief and a risk. What comes in is batches, what goes out is counted.
 */
import { createNetworkSense, type NetworkSense } from '../../src/agent/network-sense.ts'
import { riskOf } from '../../src/assess/risk.ts'
import { type BeliefState, initialBelief, stepBelief } from '../../src/learn/filter.ts'
import { DEFAULT_MODEL } from '../../src/learn/model.ts'
import type { Evidence } from '../../src/model/evidence.ts'
import type { FlowBatch } from '../../src/model/flow.ts'
import type { WorkloadId } from '../../src/model/ids.ts'
import { TICK_MS, WINDOW_MS, type Window } from '../../src/model/window.ts'
import { decodeWindow } from '../../src/observe/reduce/encode.ts'
import { mergeWindow } from '../../src/observe/reduce/merge.ts'
import type { ServiceNames } from '../../src/observe/source.ts'

export type Pipeline = {
  readonly sense: NetworkSense
  readonly done: { rows: number; ticks: number; conversations: number; beliefs: number; evidence: number }
  /** `now` is event time, epoch ms: a tick that is over is closed. */
  take(batch: FlowBatch, now: number): void
}

export function createPipeline(services: ServiceNames, networks: readonly string[]): Pipeline {
  const sense = createNetworkSense({ networks, services })
  const done = { rows: 0, ticks: 0, conversations: 0, beliefs: 0, evidence: 0 }
  const open = new Map<string, Window>()
  const states = new Map<string, BeliefState>()
  const evidence = new Map<string, Evidence[]>()
  let closed = 0

  const believe = (key: string, window: Window) => {
    const end = window.start + window.spanMs
    const step = stepBelief(DEFAULT_MODEL, states.get(key) ?? initialBelief(DEFAULT_MODEL), window, end)
    states.set(key, step.state)
    riskOf(evidence.get(key) ?? [], end)
    done.beliefs++
  }
  const close = (until: number) => {
    const sensed = sense.close(until)
    done.conversations += sensed.conversations.length
    for (const { key, evidence: one } of sensed.evidence) {
      done.evidence++
      evidence.set(key, [...(evidence.get(key) ?? []).slice(-20), one])
    }
    for (const wire of sensed.ticks) {
      done.ticks++
      const tick = decodeWindow(wire, wire.key as WorkloadId)
      if (tick === null) continue
      const start = Math.floor(tick.start / WINDOW_MS) * WINDOW_MS
      const window = open.get(wire.key)
      if (window !== undefined && window.start === start) mergeWindow(window, tick)
      else {
        if (window !== undefined) believe(wire.key, window)
        open.set(wire.key, { ...tick, start, spanMs: WINDOW_MS })
      }
    }
  }
  return {
    sense,
    done,
    take(batch, now) {
      done.rows += batch.count
      sense.take(batch)
      if (now < closed + TICK_MS) return
      closed = Math.floor(now / TICK_MS) * TICK_MS
      close(closed)
    },
  }
}
