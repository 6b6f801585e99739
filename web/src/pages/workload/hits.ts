/** What the kernel counted by rule: asked again with each tick while the rules are looked at. */
import { useQuery } from '@tanstack/react-query'
import type { RuleHits } from '../../../../src/model/rule-hit.ts'
import { get } from '../../api/client.ts'

const TICK_MS = 5_000

export type Hit = RuleHits['items'][number]
export type Hits = { readonly of: ReadonlyMap<string, Hit>; readonly shared: number }

export function useHits(id: string, asks: 'asks' | 'rests') {
  return useQuery({
    queryKey: ['workload', id, 'hits'],
    queryFn: async ({ signal }): Promise<Hits> => {
      const { items, shared } = await get<RuleHits>(`/v1/workloads/${encodeURIComponent(id)}/rules/hits`, signal)
      return { of: new Map(items.map((hit) => [hit.rule, hit])), shared }
    },
    enabled: asks === 'asks',
    refetchInterval: TICK_MS,
  })
}

/** `3.2/s`, `under 1/min` and so on: what is counted slowly is not 0. */
export function rateWords(perSecond: number): string {
  if (perSecond === 0) return ''
  if (perSecond >= 10) return `${Math.round(perSecond)}/s`
  return perSecond >= 0.1 ? `${perSecond.toFixed(1)}/s` : `${(perSecond * 60).toFixed(0)}/min`
}
