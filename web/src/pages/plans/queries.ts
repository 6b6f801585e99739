/** What the pages of plans read: the list as far back as a person looks, one plan by its meaning, its lines in the ledger. */
import { useQuery } from '@tanstack/react-query'
import { get } from '../../api/client.ts'
import { keys } from '../../api/queries.ts'
import type { AuditRecord, Page, PlanPreview, PlanSummary } from '../../nouns.ts'

export const MOST_PLANS = 1_000
const PAGE = 250

async function pages<T>(path: string, most: number, signal: AbortSignal): Promise<readonly T[]> {
  const rows: T[] = []
  let cursor: string | null = null
  do {
    const join: string = path.includes('?') ? '&' : '?'
    const at: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page: Page<T> = await get<Page<T>>(`${path}${join}limit=${PAGE}${at}`, signal)
    rows.push(...page.items)
    cursor = page.next
  } while (cursor !== null && rows.length < most)
  return rows
}

/** Under the key of plans, so that an event about a plan makes all of it old. */
export function useAllPlans() {
  return useQuery({
    queryKey: [...keys.plans, 'all'],
    queryFn: ({ signal }) => pages<PlanSummary>('/v1/plans', MOST_PLANS, signal),
  })
}

const at = (id: string) => `/v1/plans/${encodeURIComponent(id)}`

export function usePreview(id: string) {
  return useQuery({
    queryKey: [...keys.plans, id, 'preview'],
    queryFn: ({ signal }) => get<PlanPreview>(`${at(id)}/preview`, signal),
    placeholderData: (previous) => (previous?.id === id ? previous : undefined),
  })
}
/** Under the key of plans: what is in force moves with them. */
export function useLookBack(generation: string) {
  return useQuery({
    queryKey: [...keys.plans, 'back', generation],
    queryFn: ({ signal }) =>
      get<PlanPreview>(`/v1/plans/rollback/preview?to=${encodeURIComponent(generation)}`, signal),
    placeholderData: (previous) => (previous?.generation === Number(generation) ? previous : undefined),
  })
}
export function usePreviewNft(id: string) {
  return useQuery({
    queryKey: [...keys.plans, id, 'nft'],
    queryFn: ({ signal }) => get<PlanPreview>(`${at(id)}/preview?with=nft`, signal),
  })
}
export function useWholePlan(id: string) {
  return useQuery({
    queryKey: [...keys.plans, id, 'whole'],
    queryFn: ({ signal }) => get<unknown>(at(id), signal),
  })
}
/** Newest first. */
export function usePlanAudit(plan: Pick<PlanPreview, 'id' | 'created_at'>) {
  const from = Math.max(0, Math.floor(plan.created_at) - 60_000)
  return useQuery({
    queryKey: [...keys.plans, plan.id, 'audit'],
    queryFn: ({ signal }) =>
      pages<AuditRecord>(`/v1/audit?object=${encodeURIComponent(plan.id)}&from=${from}`, 100, signal),
  })
}
