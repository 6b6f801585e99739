/** Whether the screen is small: one of a table and a list is drawn, never both. The width is that of base.css. */
import { useSyncExternalStore } from 'react'

let query: MediaQueryList | null = null
function small(): MediaQueryList {
  query ??= matchMedia('(max-width: 760px)')
  return query
}

export function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      small().addEventListener('change', listener)
      return () => small().removeEventListener('change', listener)
    },
    () => small().matches,
  )
}
