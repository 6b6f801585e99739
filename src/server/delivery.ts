/**
 * What each agent is told, as a stream: the newest state and indicators (older ones are overtaken, never queued behind),
 * confirms and roll-backs in order, a bookmark when nothing else happens so that both ends know the line is alive.
 */
import type { AgentId } from '../model/ids.ts'
import type { ServerMessage } from '../model/wire.ts'

const BOOKMARK_MS = 15_000
/** Confirms and roll-backs waiting for a slow agent. At the bound the stream ends and the agent starts over with whole state. */
const MAX_WAITING = 100
/** Three reports. A host that lost its power closes no connection: TCP gives it up after a quarter of an hour (tcp(7)). */
const SILENT_MS = 15_000

type Line = { readonly waiting: ServerMessage[]; wake: () => void; overflowed: boolean; heardAt: number }

export type Delivery = {
  /**
   * Ends when `signal` aborts, or when a newer connection of the same agent takes over. `first` is asked when the agent is in
   * touch already: what is sent while it reads the record is behind it, where else nobody would ever say it again.
   */
  stream(
    agent: AgentId,
    first: () => Promise<readonly ServerMessage[]>,
    signal: AbortSignal,
  ): AsyncIterable<ServerMessage>
  send(agent: AgentId, message: ServerMessage): void
  connected(): readonly AgentId[]
  /** It said something. */
  heard(agent: AgentId): void
  /** Connected, and heard of lately: who is waited for. */
  inTouch(): readonly AgentId[]
}

export function createDelivery(clock: () => number): Delivery {
  const lines = new Map<AgentId, Line>()

  async function* stream(
    agent: AgentId,
    first: () => Promise<readonly ServerMessage[]>,
    signal: AbortSignal,
  ): AsyncIterable<ServerMessage> {
    // One that left before it was heard takes over from nobody.
    if (signal.aborted) return
    const line: Line = { waiting: [], wake: () => {}, overflowed: false, heardAt: clock() }
    lines.get(agent)?.wake()
    lines.set(agent, line)
    const abort = () => line.wake()
    signal.addEventListener('abort', abort)
    try {
      line.waiting.unshift(...(await first()))
      while (!signal.aborted && lines.get(agent) === line && !line.overflowed) {
        const next = line.waiting.shift()
        if (next !== undefined) {
          yield next
          continue
        }
        const woken = await new Promise<'woken' | 'quiet'>((resolve) => {
          const timer = setTimeout(() => resolve('quiet'), BOOKMARK_MS)
          line.wake = () => {
            clearTimeout(timer)
            resolve('woken')
          }
        })
        if (woken === 'quiet') yield { type: 'bookmark', at: clock() }
      }
    } finally {
      signal.removeEventListener('abort', abort)
      if (lines.get(agent) === line) lines.delete(agent)
    }
  }

  return {
    stream,
    send(agent, message) {
      const line = lines.get(agent)
      if (line === undefined) return
      if (message.type === 'state' || message.type === 'indicators') {
        const older = line.waiting.findIndex((waiting) => waiting.type === message.type)
        if (older >= 0) line.waiting.splice(older, 1)
      }
      line.waiting.push(message)
      line.overflowed = line.waiting.length > MAX_WAITING
      line.wake()
    },
    connected: () => [...lines.keys()],
    heard(agent) {
      const line = lines.get(agent)
      if (line !== undefined) line.heardAt = clock()
    },
    inTouch: () => [...lines].filter(([, { heardAt }]) => clock() - heardAt < SILENT_MS).map(([agent]) => agent),
  }
}
