/** The server's clock, as it ticks for everyone at once: one timer, one render a second, none while the page is hidden. */
import { useSyncExternalStore } from 'react'
import { serverNow } from '../api/client.ts'

let now = serverNow()
let timer: ReturnType<typeof setInterval> | null = null
const listeners = new Set<() => void>()

function tick(): void {
  if (document.hidden) return
  now = serverNow()
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(tick, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }
}

/** `everyMs`: as often as the caller wants to be drawn again; a whole page does not care about seconds. */
export function useNow(everyMs = 1_000): number {
  return useSyncExternalStore(subscribe, () => {
    if (timer === null) now = serverNow()
    return everyMs <= 1_000 ? now : now - (now % everyMs)
  })
}
