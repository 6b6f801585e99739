/** What the console reads, one function each; the keys are shared with the event stream, which writes to the same cache. */
import { QueryClient, type QueryClientConfig, replaceEqualDeep, useQuery } from '@tanstack/react-query'
import type { MachinesOf } from '../../../src/model/machine-order.ts'
import type {
  AgentRecord,
  AuditRecord,
  ConversationRecord,
  DesiredState,
  DriftAnswer,
  GateReport,
  HistoryPoint,
  ManifestRecord,
  Page,
  PlanSummary,
  Reason,
  Session,
  ShiftRecord,
  SourceDetail,
  SourceRecord,
  TrafficRow,
  Verdict,
  VitalsTold,
  WorkloadFeatures,
  WorkloadRecord,
  WornFacet,
} from '../nouns.ts'
import { get, ProblemError, serverNow, setCsrf } from './client.ts'

export const keys = {
  session: ['session'],
  workloads: ['workloads'],
  workload: (id: string) => ['workload', id],
  agents: ['agents'],
  plans: ['plans'],
  shifts: ['shifts'],
  audit: ['audit'],
  personas: ['personas'],
  sources: ['sources'],
} as const

/** A conversation as the API gives it: with the verdict of the rules in force now and its reason. */
export type ConversationRow = ConversationRecord & {
  readonly verdict?: Verdict
  readonly why?: Reason
  readonly peerName?: string | null
}

const OPTIONS: QueryClientConfig = {
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && (!(error instanceof ProblemError) || error.problem.status === 0),
      retryDelay: 400,
    },
  },
}
export function createQueryClient(): QueryClient {
  return new QueryClient(OPTIONS)
}

/** A plan was made or moved: what it is about is asked for again. */
export function plansChanged(client: QueryClient): void {
  for (const key of [keys.plans, keys.agents, keys.workloads, keys.shifts])
    void client.invalidateQueries({ queryKey: key })
}

const PAGE = 500
/** Above this the table asks the server to filter instead; a browser tab is no place for a hundred thousand rows. */
export const MOST_ROWS = 10_000

/** Page by page, so that no answer takes long to parse; `share` may keep records that are as they were. */
async function all<T>(
  path: string,
  signal: AbortSignal,
  most = MOST_ROWS,
  share: (rows: readonly T[]) => readonly T[] = (rows) => rows,
): Promise<readonly T[]> {
  const rows: T[] = []
  let cursor: string | null = null
  do {
    const ask = new URLSearchParams({ limit: String(Math.min(PAGE, most)) })
    if (cursor !== null) ask.set('cursor', cursor)
    const page: Page<T> = await get<Page<T>>(`${path}?${ask}`, signal)
    rows.push(...share(page.items))
    cursor = page.next
  } while (cursor !== null && rows.length < most)
  return rows
}

async function readSession(signal?: AbortSignal): Promise<Session | null> {
  try {
    const session = await get<Session>('/v1/session', signal)
    setCsrf(session.csrf)
    return session
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 401) return null
    throw error
  }
}

export function useSession() {
  return useQuery({ queryKey: keys.session, queryFn: ({ signal }) => readSession(signal), staleTime: Infinity })
}

/**
 * Records that did not change stay the same objects, so that their rows are not drawn again. It is done a page at a time
 * while loading: the library would compare ten thousand records at once and stop the page for it.
 */
export function useWorkloads() {
  return useQuery({
    queryKey: keys.workloads,
    queryFn: ({ signal, client }) => {
      const before = client.getQueryData<readonly WorkloadRecord[]>(keys.workloads) ?? []
      const known = new Map(before.map((row) => [row.id, row]))
      const share = (rows: readonly WorkloadRecord[]) => rows.map((row) => replaceEqualDeep(known.get(row.id), row))
      return all<WorkloadRecord>('/v1/workloads', signal, MOST_ROWS, share)
    },
    refetchInterval: 30_000,
    structuralSharing: false,
  })
}
const TRAFFIC_EVERY_MS = 15_000
/** Bytes per second of the last ten minutes by workload, oldest first, from when it was first heard of. */
export function useTraffic(): Traffic {
  const { data } = useQuery({
    queryKey: ['traffic'],
    queryFn: async ({ signal }) => (await get<Page<TrafficRow>>('/v1/workloads/traffic', signal)).items,
    refetchInterval: TRAFFIC_EVERY_MS,
    structuralSharing: false,
    select: byWorkload,
  })
  return data ?? NO_TRAFFIC
}
export type Traffic = { readonly get: (workload: string) => readonly number[] | undefined }
const NO_TRAFFIC: Traffic = { get: () => undefined }

/** Of ten thousand only those that are drawn are looked at. The newest step is still filling when it is read: empty there is no silence. */
function byWorkload(rows: readonly TrafficRow[]): Traffic {
  const byId = new Map(rows.map((row) => [row.id as string, row.values]))
  const made = new Map<string, readonly number[]>()
  return {
    get: (id) => {
      const values = byId.get(id)
      if (values === undefined) return undefined
      const known = made.get(id)
      if (known !== undefined) return known
      const first = values.findIndex((value) => value !== null)
      const shown = values.slice(Math.max(0, first), values.at(-1) === null ? -1 : undefined).map((value) => value ?? 0)
      made.set(id, shown)
      return shown
    },
  }
}
export function useAgents() {
  return useQuery({ queryKey: keys.agents, queryFn: ({ signal }) => all<AgentRecord>('/v1/agents', signal) })
}
export function useMachines(agent: string) {
  return useQuery({
    queryKey: [...keys.agents, agent, 'machines'],
    queryFn: ({ signal }) => get<MachinesOf>(`/v1/agents/${encodeURIComponent(agent)}/machines`, signal),
    refetchInterval: 5_000,
  })
}
export function usePlans() {
  return useQuery({ queryKey: keys.plans, queryFn: ({ signal }) => all<PlanSummary>('/v1/plans', signal, 50) })
}
export function useShifts() {
  return useQuery({ queryKey: keys.shifts, queryFn: ({ signal }) => all<ShiftRecord>('/v1/shifts', signal, 500) })
}
export function useAudit() {
  return useQuery({ queryKey: keys.audit, queryFn: ({ signal }) => all<AuditRecord>('/v1/audit', signal, 500) })
}
export function useSources() {
  return useQuery({
    queryKey: keys.sources,
    queryFn: ({ signal }) => all<SourceRecord>('/v1/sources', signal),
    refetchInterval: 15_000,
  })
}
export function useSource(id: string) {
  return useQuery({
    queryKey: ['sources', id],
    queryFn: ({ signal }) => get<SourceDetail>(`/v1/sources/${encodeURIComponent(id)}`, signal),
    refetchInterval: 15_000,
  })
}
export function usePersonas() {
  return useQuery({
    queryKey: keys.personas,
    queryFn: ({ signal }) => all<ManifestRecord>('/v1/personas', signal, 500),
  })
}

const at = (id: string) => `/v1/workloads/${encodeURIComponent(id)}`

export function useWorkload(id: string) {
  return useQuery({ queryKey: keys.workload(id), queryFn: ({ signal }) => get<WorkloadRecord>(at(id), signal) })
}
/** The last `spanMs` up to now; asked again every half minute, since a window is that long. */
export function useHistory(id: string, spanMs: number) {
  return useQuery({
    queryKey: ['workload', id, 'history', spanMs],
    queryFn: async ({ signal }) => {
      const now = serverNow()
      const page = await get<Page<HistoryPoint>>(`${at(id)}/history?from=${now - spanMs}&to=${now}`, signal)
      return page.items
    },
    placeholderData: (previous) => previous,
    refetchInterval: 30_000,
  })
}
export function useConversations(id: string) {
  return useQuery({
    queryKey: ['workload', id, 'conversations'],
    queryFn: async ({ signal }) => (await get<Page<ConversationRow>>(`${at(id)}/conversations`, signal)).items,
    refetchInterval: 10_000,
  })
}
/** How far it is from all it has been, with its last hour; a window is half a minute. */
export function useDrift(id: string) {
  return useQuery({
    queryKey: ['workload', id, 'drift'],
    queryFn: ({ signal }) => get<DriftAnswer>(`${at(id)}/drift`, signal),
    refetchInterval: 30_000,
  })
}
export function useFeatures(id: string) {
  return useQuery({
    queryKey: ['workload', id, 'features'],
    queryFn: ({ signal }) => get<WorkloadFeatures>(`${at(id)}/features`, signal),
    refetchInterval: 30_000,
  })
}
/** What it uses: its agent tells every 5 s, a window is half a minute. */
export function useVitals(id: string) {
  return useQuery({
    queryKey: ['workload', id, 'vitals'],
    queryFn: ({ signal }) => get<VitalsTold>(`${at(id)}/vitals`, signal),
    refetchInterval: 10_000,
  })
}
export type GateShelf = 'workloads' | 'personas' | 'proposals'
export function useGate(shelf: GateShelf, id: string) {
  return useQuery({
    queryKey: [shelf, id, 'gate'],
    queryFn: ({ signal }) => get<GateReport>(`/v1/${shelf}/${encodeURIComponent(id)}/gate`, signal),
    staleTime: 60_000,
    refetchInterval: 300_000,
  })
}
export type FlowAnswer = {
  readonly flow: { readonly to: string; readonly port: number; readonly protocol: string }
  readonly verdict: Verdict
  readonly egress: { readonly verdict: Verdict; readonly why: Reason }
  readonly ingress: { readonly verdict: Verdict; readonly why: Reason }
}
/** What the rules in force say of a flow that need not exist: `to` is an address, or one with a port. */
export function useFlowWhy(id: string, to: string | null) {
  return useQuery({
    queryKey: ['workload', id, 'why', to],
    queryFn: ({ signal }) => get<FlowAnswer>(`${at(id)}/why?to=${encodeURIComponent(to ?? '')}`, signal),
    enabled: to !== null,
  })
}
export function useFacets(id: string) {
  return useQuery({
    queryKey: ['workload', id, 'facets'],
    queryFn: ({ signal }) => get<Page<WornFacet>>(`${at(id)}/facets`, signal),
    refetchInterval: 30_000,
  })
}
export function useRules(id: string) {
  return useQuery({
    queryKey: ['workload', id, 'rules'],
    queryFn: ({ signal }) => get<DesiredState | null>(`${at(id)}/rules`, signal),
    refetchInterval: 30_000,
  })
}
