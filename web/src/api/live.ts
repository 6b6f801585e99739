/**
 * The stream of events into the query cache. Events collect in a buffer and are applied at most ten times a second, in
 * one animation frame and one render; the newest value of a thing wins. Pausing or hiding the page only stops applying.
 */
import type { QueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import type { Belief, WorkloadRecord } from '../nouns.ts'
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

/** What the server says of a workload between two windows; the whole record is read again now and then. */
export type Observed = {
  readonly id: string
  readonly at: number
  readonly risk: number | null
  readonly belief: Belief | null
}
type Change = { readonly type: string; readonly subject: string; readonly data: unknown }

/** Which lists an event makes old, and how often they are read again at most. */
const MAKES_OLD: Readonly<Record<string, readonly (readonly [key: readonly string[], everyMs: number])[]>> = {
  'workload.observed': [[keys.workloads, 10_000]],
  evidence: [[keys.workloads, 2_000]],
  plan: [
    [keys.plans, 300],
    [keys.agents, 300],
    [keys.workloads, 1_000],
    [keys.audit, 1_000],
  ],
  shift: [
    [keys.shifts, 300],
    [keys.workloads, 1_000],
  ],
  agent: [[keys.agents, 5_000]],
  source: [[keys.sources, 5_000]],
  audit: [[keys.audit, 1_000]],
}

const FLUSH_EVERY_MS = 100
/** Agents report every five seconds; silence after there was life means something is stuck. */
const BEHIND_AFTER_MS = 20_000
/** More than this while paused or hidden, and one refetch is cheaper than applying them. */
const BUFFER_LIMIT = 5_000

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
  const take = (type: string, text: string) => {
    heard()
    let data: unknown
    try {
      data = JSON.parse(text)
    } catch {
      return
    }
    if (buffer.length >= BUFFER_LIMIT) overflowed = true
    else buffer.push({ type, subject: subjectOf(data), data })
    if (status.paused) set({ waiting: status.waiting + 1 })
    else if (!document.hidden) schedule()
  }

  for (const type of Object.keys(MAKES_OLD)) {
    source.addEventListener(type, (event) => take(type, (event as MessageEvent<string>).data))
  }
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

/** `{id}` of a workload or agent; events about others need no subject here. */
function subjectOf(data: unknown): string {
  return typeof data === 'object' && data !== null && 'id' in data ? String(data.id) : ''
}

const oldSince = new Map<string, { timer: ReturnType<typeof setTimeout> | null; lastMs: number }>()

function apply(client: QueryClient, changes: readonly Change[]): void {
  const observed = new Map<string, Observed>()
  for (const change of changes) {
    if (change.type === 'workload.observed') observed.set(change.subject, change.data as Observed)
    for (const [key, everyMs] of MAKES_OLD[change.type] ?? []) readAgain(client, key, everyMs)
  }
  if (observed.size === 0) return
  client.setQueryData<readonly WorkloadRecord[]>(keys.workloads, (rows) =>
    rows?.map((row) => withReading(row, observed.get(row.id))),
  )
  for (const [id, reading] of observed) {
    client.setQueryData<WorkloadRecord>(keys.workload(id), (row) => row && withReading(row, reading))
  }
}

function withReading(row: WorkloadRecord, reading: Observed | undefined): WorkloadRecord {
  if (reading === undefined) return row
  const risk = reading.risk === null || row.risk === null ? row.risk : { ...row.risk, value: reading.risk }
  return { ...row, belief: reading.belief ?? row.belief, risk, lastSeen: reading.at }
}

/** At once when it was not read for `everyMs`, else when that has passed; never twice. */
function readAgain(client: QueryClient, key: readonly string[], everyMs: number): void {
  const name = key.join(' ')
  // The page has just read everything when the first event arrives.
  const state = oldSince.get(name) ?? { timer: null, lastMs: performance.now() }
  oldSince.set(name, state)
  if (state.timer !== null) return
  const wait = Math.max(0, state.lastMs + everyMs - performance.now())
  state.timer = setTimeout(() => {
    state.timer = null
    state.lastMs = performance.now()
    void client.invalidateQueries({ queryKey: key })
    if (key === keys.workloads) void client.invalidateQueries({ queryKey: ['workload'], refetchType: 'active' })
  }, wait)
}
