/** The map and the conversations behind it, from the API; read again every quarter minute unless the page is paused. */
import { useQuery } from '@tanstack/react-query'
import type { Topology, TopologyTalks } from '../../../../src/model/topology.ts'
import { get, serverNow } from '../../api/client.ts'
import { useLive } from '../../api/live.ts'
import { query } from '../../paths.ts'
import { type At, atText, type PageState, spanMs } from './state.ts'

const READ_EVERY_MS = 15_000
type Asked = Pick<PageState, 'span' | 'q' | 'infrastructure'> & { readonly at: At | null }

function address({ at, span, q, infrastructure }: Asked): string {
  const now = serverNow()
  return query({
    from: String(now - spanMs(span)),
    to: String(now),
    level: at?.level,
    segment: at?.segment,
    q,
    infrastructure: infrastructure === 'show' ? 'show' : null,
  })
}

/** Under what the places of this map are kept. With the answer, since the one before stands until a new one is here. */
const scopeOf = ({ at, q }: Asked): string => [at === null ? 'all' : atText(at), q].filter(Boolean).join(' ')

export function useTopology(asked: Asked) {
  const { paused } = useLive()
  return useQuery({
    queryKey: ['topology', asked],
    queryFn: async ({ signal }) => ({
      map: await get<Topology>(`/v1/topology${address(asked)}`, signal),
      scope: scopeOf(asked),
    }),
    placeholderData: (previous) => previous,
    refetchInterval: paused ? false : READ_EVERY_MS,
  })
}

/** `a`, `b`: ids of nodes, several with commas. */
export function useTalks(asked: Asked, a: string | null, b: string | null) {
  const { paused } = useLive()
  return useQuery({
    queryKey: ['topology', 'conversations', asked, a, b],
    queryFn: ({ signal }) => {
      const ends = new URLSearchParams({ a: a ?? '', ...(b === null ? {} : { b }) })
      return get<TopologyTalks>(`/v1/topology/conversations${address(asked)}&${ends}`, signal)
    },
    enabled: a !== null,
    refetchInterval: paused ? false : READ_EVERY_MS,
  })
}
