/**
 * What the server holds in memory of one tenant's fleet between reports: the window that is filling, the belief's filter
 * state, the evidence in force. All of it can be lost: belief starts over from what is stored, evidence is in the record.
 */

import type { BeliefState } from '../learn/filter.ts'
import type { SeenWindow } from '../learn/shadow.ts'
import { addRow, createWatch, freeRow, type Watch } from '../learn/watch/watch.ts'
import type { Belief } from '../model/belief.ts'
import type { Evidence, Risk } from '../model/evidence.ts'
import type { AgentId, WorkloadId } from '../model/ids.ts'
import { createWindow, WINDOW_MS, type Window } from '../model/window.ts'
import { mergeWindow } from '../observe/reduce/merge.ts'

export type Live = {
  readonly workload: WorkloadId
  readonly agent: AgentId
  key: string
  name: string
  filling: Window | null
  belief: BeliefState | null
  lastBelief: Belief | null
  /** The last whole windows, oldest first: what another model is tried on. */
  seen: readonly SeenWindow[]
  /** Of the last whole window: what a decision about it is recorded with. */
  features: readonly number[] | null
  risk: Risk | null
  /** epoch ms; 0 = it is not. */
  containedUntil: number
  /** Of `Fleet.watch`. */
  readonly row: number
  /** By `evidenceKey`: a repeat replaces. */
  readonly evidence: Map<string, Evidence>
  /** bytes over the last tick, for the rate shown */
  bytesOut: number
  bytesIn: number
}

/** Evidence kept per workload. Hit by a scan of thousands of peers with a row each. */
const MAX_EVIDENCE = 200
/** Log-odds that no risk counts any more (assess/risk.ts). */
const FADED = 0.01
/** More than any weight. */
const SURE = 100

/** Three minutes: a changed role moves a belief within three windows. About 2 kB a workload. */
export const SEEN_WINDOWS = 6

/** An agent keeps five minutes of reports; what is older than that comes from a clock that was set. */
const CLOCK_STEP_MS = 600_000

export type Fleet = {
  readonly live: Map<WorkloadId, Live>
  /** What is usual of each, and who leaves it. */
  readonly watch: Watch
  /** By agent: the sources that told of flows last. */
  readonly sources: Map<AgentId, string>
  /** By agent: `boot sequence` of the report whose ticks were added last. */
  readonly merged: Map<AgentId, string>
  /** What did not fit: evidence dropped at the bound, ticks that came for a window already judged. */
  readonly counters: { evidenceDropped: number; lateTicks: number }
}

export function createFleet(): Fleet {
  const counters = { evidenceDropped: 0, lateTicks: 0 }
  return { live: new Map(), watch: createWatch(), sources: new Map(), merged: new Map(), counters }
}

export function liveOf(fleet: Fleet, workload: WorkloadId, agent: AgentId, key: string, name: string): Live {
  let live = fleet.live.get(workload)
  if (live === undefined || live.agent !== agent) {
    live = {
      workload,
      agent,
      key,
      name,
      filling: null,
      belief: live?.belief ?? null,
      lastBelief: live?.lastBelief ?? null,
      seen: live?.seen ?? [],
      features: live?.features ?? null,
      risk: live?.risk ?? null,
      containedUntil: live?.containedUntil ?? 0,
      row: live?.row ?? addRow(fleet.watch),
      evidence: live?.evidence ?? new Map(),
      bytesOut: 0,
      bytesIn: 0,
    }
    fleet.live.set(workload, live)
  }
  live.key = key
  live.name = name
  return live
}

/** It is over: should it come back, it is as if seen first. */
export function dropLive(fleet: Fleet, workload: WorkloadId): void {
  const live = fleet.live.get(workload)
  if (live === undefined) return
  fleet.live.delete(workload)
  freeRow(fleet.watch, live.row)
}

/** Adds a tick; returns the window it completes, if any. A tick older than the filling window is merged into it, not dropped. */
export function addTick(fleet: Fleet, live: Live, tick: Window): Window | null {
  const start = Math.floor(tick.start / WINDOW_MS) * WINDOW_MS
  const filling = live.filling
  // Far behind, it is not late: the agent's clock was set back, and the window from the future would never be complete.
  const isLate = filling !== null && start <= filling.start && start > filling.start - CLOCK_STEP_MS
  if (filling !== null && isLate) {
    if (start < filling.start) fleet.counters.lateTicks++
    mergeWindow(filling, tick)
    return null
  }
  const next = createWindow(live.workload, start, WINDOW_MS)
  mergeWindow(next, tick)
  live.filling = next
  return filling
}

/**
 * Beyond the bound what says least goes first. All that could be forged shares one allowance of risk, so any of it
 * goes before what could not: else 200 forged names would push a proven theft out.
 */
export function addEvidence(fleet: Fleet, live: Live, evidence: Evidence): void {
  const key = evidenceKey(evidence)
  live.evidence.delete(key)
  live.evidence.set(key, evidence)
  if (live.evidence.size <= MAX_EVIDENCE) return
  let [least, rank] = [key, Number.POSITIVE_INFINITY]
  for (const [one, known] of live.evidence) {
    const its = rankOf(known, evidence.at)
    if (its < rank) [least, rank] = [one, its]
  }
  live.evidence.delete(least)
  fleet.counters.evidenceDropped++
}

/** What could not be forged has a place of its own: nobody replaces it by forging its like. `riskOf` takes one of the two. */
function evidenceKey({ kind, peer, authenticated }: Evidence): string {
  return `${kind}|${peer ?? ''}${authenticated ? '|sure' : ''}`
}

/** What is over, then what could be forged, then the rest; each by what is left of it. A word that lowers risk counts as sure. */
function rankOf(evidence: Evidence, now: number): number {
  const left = Math.abs(evidence.weight) * 0.5 ** (Math.max(0, now - evidence.at) / evidence.halfLifeMs)
  return left < FADED || (!evidence.authenticated && evidence.weight > 0) ? left : left + SURE
}
