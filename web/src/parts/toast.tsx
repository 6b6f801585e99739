/** Outcomes of a person's own actions, and nothing else: one line, spoken politely, gone after eight seconds. */
import { useSyncExternalStore } from 'react'

type Toast = { readonly id: number; readonly text: string; readonly tone: 'done' | 'failed' }

let toasts: readonly Toast[] = []
let next = 1
const listeners = new Set<() => void>()
const STAYS_MS = 8_000

function set(value: readonly Toast[]): void {
  toasts = value
  for (const listener of listeners) listener()
}

export function say(text: string, tone: Toast['tone'] = 'done'): void {
  const toast = { id: next++, text, tone }
  set([...toasts.slice(-2), toast])
  setTimeout(() => set(toasts.filter((t) => t.id !== toast.id)), STAYS_MS)
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => toasts,
  )
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <p key={toast.id} className={toast.tone === 'failed' ? 'toast failed' : 'toast'}>
          {toast.text}
        </p>
      ))}
    </div>
  )
}
