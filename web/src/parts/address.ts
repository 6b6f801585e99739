/** State that belongs in the address: what a colleague should see who opens the same link. A default is left out. */
import { useCallback } from 'react'
import { useSearchParams } from 'react-router'

export type Address = {
  readonly get: (name: string) => string
  /** An empty value (or the standard one) leaves the name out. Replaces the entry in the history: typing is no journey. */
  readonly set: (values: Readonly<Record<string, string>>) => void
  readonly search: string
}

export function useAddress(): Address {
  const [params, setParams] = useSearchParams()
  const get = useCallback((name: string) => params.get(name) ?? '', [params])
  const set = useCallback(
    (values: Readonly<Record<string, string>>) => {
      // Of the address itself: what was set a moment ago is in `params` only when the page has been drawn again.
      const next = new URLSearchParams(window.location.search)
      for (const [name, value] of Object.entries(values)) {
        if (value === '') next.delete(name)
        else next.set(name, value)
      }
      setParams(next, { replace: true, preventScrollReset: true })
    },
    [setParams],
  )
  const text = params.toString()
  return { get, set, search: text === '' ? '' : `?${text}` }
}
