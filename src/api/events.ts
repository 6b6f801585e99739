/**
 * What happens, as it happens: the loop publishes, each console listens (SSE). The last events of every tenant are kept in
 * a bounded ring so that a listener that was away resumes by id; one that was away too long is told so and reads again.
 */
import type { TenantId } from '../model/ids.ts'

export const EVENT_TYPES = ['workload.observed', 'evidence', 'plan', 'shift', 'agent', 'source', 'audit'] as const
export type EventType = (typeof EVENT_TYPES)[number]

export type GuiseEvent = {
  readonly type: EventType
  /** What it is about: a workload, plan, shift or agent id. Readings of one subject overtake each other. */
  readonly subject: string
  readonly data: object
}
export type SentEvent = GuiseEvent & { readonly id: number; readonly at: number }

/** `after` null = from now on. `gap` when events between `after` and the first one given are gone. */
export type Resumed = { readonly gap: boolean; readonly missed: readonly SentEvent[] }

export type EventHub = {
  publish(tenant: TenantId, event: GuiseEvent): void
  /** Answers what was missed and calls `listener` for everything after it until `stop`. */
  listen(
    tenant: TenantId,
    after: number | null,
    listener: (event: SentEvent) => void,
  ): Resumed & { readonly stop: () => void }
  listeners(): number
  lastId(tenant: TenantId): number
}

/** Events kept per tenant for resuming. */
const RING = 2_000

type Channel = {
  next: number
  forgotten: number
  ring: SentEvent[]
  readonly listeners: Set<(event: SentEvent) => void>
}

export function createEventHub(deps: { readonly clock: () => number; readonly ring?: number }): EventHub {
  const bound = deps.ring ?? RING
  const channels = new Map<TenantId, Channel>()
  // Ids start at the clock so that an id from before a restart is known to be older than all of ours.
  const base = deps.clock() * 1_000
  const channelOf = (tenant: TenantId): Channel => {
    let channel = channels.get(tenant)
    if (channel === undefined) {
      channel = { next: base + 1, forgotten: base, ring: [], listeners: new Set() }
      channels.set(tenant, channel)
    }
    return channel
  }
  return {
    publish(tenant, event) {
      const channel = channelOf(tenant)
      const sent: SentEvent = { ...event, id: channel.next++, at: deps.clock() }
      // Readings are frequent and only the newest counts: an older one of the same workload leaves the ring.
      if (event.type === 'workload.observed') {
        const older = channel.ring.findLastIndex((e) => e.type === event.type && e.subject === event.subject)
        if (older >= 0) channel.ring.splice(older, 1)
      }
      channel.ring.push(sent)
      if (channel.ring.length > bound) channel.forgotten = channel.ring.shift()!.id
      for (const listener of channel.listeners) listener(sent)
    },
    listen(tenant, after, listener) {
      const channel = channelOf(tenant)
      channel.listeners.add(listener)
      const stop = () => void channel.listeners.delete(listener)
      if (after === null) return { gap: false, missed: [], stop }
      const gap = after < channel.forgotten || after >= channel.next
      return { gap, missed: gap ? [] : channel.ring.filter((event) => event.id > after), stop }
    },
    listeners: () => [...channels.values()].reduce((n, channel) => n + channel.listeners.size, 0),
    lastId: (tenant) => channelOf(tenant).next - 1,
  }
}
