/** The ledger page by page, as a person scrolls; the newest record alone, so that new ones are noticed without moving anything. */
import { type InfiniteData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { get, serverNow } from '../../api/client.ts'
import { keys } from '../../api/queries.ts'
import { parseTerms } from '../../grammar.ts'
import type { AuditRecord, Page } from '../../nouns.ts'
import type { DecisionRecord, Verified } from './record.ts'

/** Of the grammar: each is asked of the server; what it cannot be asked (a `-` in front) is sifted here. */
export const FIELDS = ['actor', 'action', 'object'] as const
const PAGE = 200

/** As the API takes it. */
export function askOf(q: string, from: number | null): URLSearchParams {
  const ask = new URLSearchParams()
  const text: string[] = []
  for (const term of parseTerms(q, { fields: { actor: 1, action: 1, object: 1 } })) {
    if (term.kind === 'unknown' || term.not) continue
    if (term.kind === 'word') text.push(term.value)
    else if (term.kind === 'field' && term.value !== '' && !ask.has(term.field)) ask.set(term.field, term.value)
  }
  if (text.length > 0) ask.set('text', text.join(' '))
  if (from !== null) ask.set('from', String(from))
  return ask
}

export function useRecords(ask: URLSearchParams) {
  const asked = ask.toString()
  return useInfiniteQuery({
    queryKey: ['ledger', asked],
    queryFn: ({ signal, pageParam }) => {
      const cursor = pageParam === null ? '' : `&cursor=${encodeURIComponent(pageParam)}`
      return get<Page<AuditRecord>>(`/v1/audit?limit=${PAGE}${asked === '' ? '' : `&${asked}`}${cursor}`, signal)
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page<AuditRecord>) => last.next,
    placeholderData: (before: InfiniteData<Page<AuditRecord>, string | null> | undefined) => before,
    staleTime: Infinity,
  })
}

/** Under the key of the audit, which every event of it makes old. */
export function useNewest(ask: URLSearchParams) {
  const asked = ask.toString()
  return useQuery({
    queryKey: [...keys.audit, 'newest', asked],
    queryFn: async ({ signal }) =>
      (await get<Page<AuditRecord>>(`/v1/audit?limit=1${asked === '' ? '' : `&${asked}`}`, signal)).items[0] ?? null,
  })
}

export function useVerify() {
  return useQuery({
    queryKey: ['ledger-verify'],
    queryFn: async ({ signal }) => ({ ...(await get<Verified>('/v1/audit/verify', signal)), answeredAt: serverNow() }),
    enabled: false,
    staleTime: Infinity,
    retry: false,
  })
}

export function useDecision(id: string) {
  return useQuery({
    queryKey: ['decision', id],
    queryFn: ({ signal }) => get<DecisionRecord>(`/v1/decisions/${encodeURIComponent(id)}`, signal),
    enabled: id !== '',
    staleTime: Infinity,
  })
}
