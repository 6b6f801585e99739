/** Light, dark, or as the system has it. The choice is an attribute of the page; both palettes are in tokens.css. */
import { useSyncExternalStore } from 'react'

const SCHEMES = ['auto', 'light', 'dark'] as const
export type Scheme = (typeof SCHEMES)[number]
/** The same key that public/theme.js reads before the first paint. */
const STORED = 'guise-theme'

const listeners = new Set<() => void>()

function chosen(): Scheme {
  try {
    return SCHEMES.find((one) => one === localStorage.getItem(STORED)) ?? 'auto'
  } catch {
    return 'auto'
  }
}

export function setScheme(scheme: Scheme): void {
  try {
    localStorage.setItem(STORED, scheme)
  } catch {
    // Storage may be blocked: the choice then holds until the page is closed.
  }
  if (scheme === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = scheme
  for (const listener of listeners) listener()
}

export function useScheme(): Scheme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, chosen)
}

/** The other one of what is seen now. */
export function toggleScheme(): void {
  const now = chosen()
  const dark = now === 'dark' || (now === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  setScheme(dark ? 'light' : 'dark')
}
