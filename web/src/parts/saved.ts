/** Filters a person named and kept, per page, in this browser. A filter is an address, so sharing one is copying it. */

export type Saved = { readonly name: string; readonly search: string }

const STORED = 'guise-filters'
const MOST = 50

/** What is stored is anyone's to edit: all that is not ours is left out. */
function readAll(store: Pick<Storage, 'getItem'>): Record<string, Saved[]> {
  try {
    const found: unknown = JSON.parse(store.getItem(STORED) ?? '{}')
    if (typeof found !== 'object' || found === null) return {}
    return Object.fromEntries(
      Object.entries(found).map(([page, list]) => [page, Array.isArray(list) ? list.filter(isSaved) : []]),
    )
  } catch {
    return {}
  }
}

function isSaved(one: unknown): one is Saved {
  return (
    typeof one === 'object' &&
    one !== null &&
    'name' in one &&
    typeof one.name === 'string' &&
    'search' in one &&
    typeof one.search === 'string' &&
    (one.search === '' || one.search.startsWith('?'))
  )
}

export function readSaved(page: string, store: Pick<Storage, 'getItem'> = localStorage): readonly Saved[] {
  return readAll(store)[page] ?? []
}

/** A second filter of the same name takes the place of the first. */
export function keepSaved(page: string, saved: Saved, store: Storage = localStorage): void {
  const all = readAll(store)
  const others = (all[page] ?? []).filter((one) => one.name !== saved.name)
  store.setItem(STORED, JSON.stringify({ ...all, [page]: [...others, saved].slice(-MOST) }))
}

export function dropSaved(page: string, name: string, store: Storage = localStorage): void {
  const all = readAll(store)
  store.setItem(STORED, JSON.stringify({ ...all, [page]: (all[page] ?? []).filter((one) => one.name !== name) }))
}

/** What of an address is the question: everything but what is open at the moment. */
export function questionOf(search: string): string {
  const kept = new URLSearchParams(search)
  for (const name of ['sel', 'why']) kept.delete(name)
  const text = kept.toString()
  return text === '' ? '' : `?${text}`
}
