/** Every address of the console, once. Pages that do not exist yet are not here, so nothing can link to them. */
export const BASE = '/ui'

export const paths = {
  fleet: () => '/fleet',
  workload: (id: string) => `/workloads/${encodeURIComponent(id)}`,
  conversations: (id: string) => `/workloads/${encodeURIComponent(id)}/conversations`,
  rules: (id: string) => `/workloads/${encodeURIComponent(id)}/rules`,
  topology: () => '/topology',
  activity: () => '/activity',
  sources: () => '/sources',
  personas: () => '/personas',
  persona: (id: string) => `/personas/${encodeURIComponent(id)}`,
  models: () => '/models',
  policies: () => '/policies',
  policy: (id: string) => `/policies/${encodeURIComponent(id)}`,
  plans: () => '/plans',
  plan: (id: string) => `/plans/${encodeURIComponent(id)}`,
  planBack: (generation: number | string) => `/plans/back/${encodeURIComponent(generation)}`,
  agents: () => '/agents',
  secrets: () => '/secrets',
  ledger: () => '/ledger',
  signIn: () => '/sign-in',
} as const

/** `query({ q: 'risk>0.4', s: '' })` → `?q=risk%3E0.4`: a default (empty) value is left out of the address. */
export function query(values: Readonly<Record<string, string | null | undefined>>): string {
  const kept = Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return kept.length === 0 ? '' : `?${new URLSearchParams(kept)}`
}
