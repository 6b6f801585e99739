/**
 * The stream of events into the query cache. Events collect in a buffer and are applied at most ten times a second, in
 * one animation frame and one render; the newest value of a thing wins. Pausing or hiding the page only stops applying.
 */
import type { QueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import type { AgentRecord, AuditRecord, PlanRecord, ShiftRecord, WorkloadRecord } from '../nouns.ts'
import { keys } from './queries.ts'

export type LiveState = 'connecting' | 'live' | 'behind' | 'reconnecting'
export type LiveStatus = {
  readonly state: LiveState
  /** epoch ms of the last thing heard, data or heartbeat; null before the first */
  readonly lastAt: number | null
  readonly paused: boolean
  /** changes held back while paused */
  readonly waiting: number
}

type Change =
  | { readonly type: 'workload'; readonly data: WorkloadRecord }
  | { readonly type: 'plan'; readonly data: PlanRecord }
  | { readonly type: 'shift'; readonly data: ShiftRecord }
  | { readonly type: 'agent'; readonly data: AgentRecord }
  | { readonly type: 'audit'; readonly data: AuditRecord }
type ChangeType = Change['type']
const TYPES: readonly ChangeType[] = ['workload', 'plan', 'shift', 'agent', 'audit']

const FLUSH_EVERY_MS = 100
const BEHIND_AFTER_MS = 10_000
/** More than this while paused or hidden, and one refetch is cheaper than applying them. */
const BUFFER_LIMIT = 5_000
const TREND_POINTS = 32

const trends = new Map<string, number[]>()
/** Bytes per second of a workload since the page was opened, oldest first. */
export function trendOf(id: string): readonly number[] {
  return trends.get(id) ?? []
}

let status: LiveStatus = { state: 'connecting', lastAt: null, paused: false, waiting: 0 }
const listeners = new Set<() => void>()
function set(next: Partial<LiveStatus>): void {
  status = { ...status, ...next }
  for (const listener of listeners) listener()
}

export function useLive(): LiveStatus {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => status,
  )
}

export type Live = { readonly close: () => void }
let current: { readonly flush: () => void; readonly refetch: () => void } | null = null

export function togglePause(): void {
  const paused = !status.paused
  set({ paused, waiting: 0 })
  if (!paused) current?.flush()
}

export function connectLive(client: QueryClient): Live {
  let buffer: Change[] = []
  let overflowed = false
  let frame = 0
  let lastFlush = 0
  const source = new EventSource('/v1/events', { withCredentials: true })

  const refetch = () => {
    buffer = []
    overflowed = false
    void client.invalidateQueries()
  }
  const flush = () => {
    frame = 0
    if (status.paused || document.hidden) return
    lastFlush = performance.now()
    if (overflowed) return refetch()
    const changes = buffer
    buffer = []
    apply(client, changes)
  }
  const schedule = () => {
    if (frame !== 0) return
    frame = requestAnimationFrame(() => {
      if (performance.now() - lastFlush >= FLUSH_EVERY_MS) return flush()
      frame = 0
      schedule()
    })
  }
  const heard = () => {
    if (status.state !== 'live' || status.lastAt === null || Date.now() - status.lastAt > 1_000)
      set({ state: 'live', lastAt: Date.now() })
  }
  const take = (type: ChangeType, text: string) => {
    heard()
    let data: unknown
    try {
      data = JSON.parse(text)
    } catch {
      return
    }
    if (buffer.length >= BUFFER_LIMIT) overflowed = true
    else buffer.push({ type, data } as Change)
    if (status.paused) set({ waiting: status.waiting + 1 })
    else if (!document.hidden) schedule()
  }

  for (const type of TYPES) source.addEventListener(type, (event) => take(type, (event as MessageEvent<string>).data))
  source.addEventListener('heartbeat', heard)
  source.addEventListener('gap', refetch)
  let lost = false
  source.onopen = () => {
    heard()
    if (lost) refetch()
    lost = false
  }
  source.onerror = () => {
    lost = true
    set({ state: 'reconnecting' })
  }
  const watch = setInterval(() => {
    if (status.state === 'live' && status.lastAt !== null && Date.now() - status.lastAt > BEHIND_AFTER_MS)
      set({ state: 'behind' })
  }, 1_000)
  const shown = () => {
    if (!document.hidden && !status.paused) refetch()
  }
  document.addEventListener('visibilitychange', shown)
  current = { flush, refetch }
  return {
    close: () => {
      source.close()
      clearInterval(watch)
      cancelAnimationFrame(frame)
      document.removeEventListener('visibilitychange', shown)
      current = null
      set({ state: 'connecting', lastAt: null, paused: false, waiting: 0 })
    },
  }
}

function apply(client: QueryClient, changes: readonly Change[]): void {
  const last = new Map<string, Change>()
  for (const change of changes) last.set(`${change.type} ${identity(change)}`, change)
  const of = <T extends ChangeType>(type: T) =>
    [...last.values()].filter((c): c is Extract<Change, { type: T }> => c.type === type).map((c) => c.data)

  const workloads = of('workload') as WorkloadRecord[]
  for (const w of workloads) {
    const trend = trends.get(w.id) ?? []
    trend.push(w.rate.out + w.rate.in)
    if (trend.length > TREND_POINTS) trend.shift()
    trends.set(w.id, trend)
    client.setQueryData<WorkloadRecord>(keys.workload(w.id), w)
  }
  merge(client, keys.workloads, workloads, (w) => w.id)
  merge(client, keys.plans, of('plan') as PlanRecord[], (p) => p.plan.id)
  merge(client, keys.shifts, of('shift') as ShiftRecord[], (s) => s.id)
  merge(client, keys.agents, of('agent') as AgentRecord[], (a) => a.id)
  merge(client, keys.audit, of('audit') as AuditRecord[], (a) => String(a.n))
}

function identity(change: Change): string {
  if (change.type === 'plan') return change.data.plan.id
  return change.type === 'audit' ? String(change.data.n) : change.data.id
}

/** Replaces what is known in place; what is new goes in front. */
function merge<T>(client: QueryClient, key: readonly string[], changed: readonly T[], id: (row: T) => string): void {
  if (changed.length === 0) return
  client.setQueryData<readonly T[]>(key, (rows) => {
    if (rows === undefined) return rows
    const byId = new Map(changed.map((row) => [id(row), row]))
    const kept = rows.map((row) => {
      const next = byId.get(id(row))
      if (next === undefined) return row
      byId.delete(id(row))
      return next
    })
    return byId.size === 0 ? kept : [...[...byId.values()].reverse(), ...kept]
  })
}
