/**
 * What the palette offers for a text: actions on what is open, pages, things by name, and questions. In: the text and what
 * the console holds. Out: at most eight of a kind, those whose name begins with the text first.
 */
import { t } from 'i18next'
import type { AgentRecord, ManifestRecord, PlanSummary, SourceRecord, WorkloadRecord } from '../nouns.ts'
import { PAGES } from '../pages.ts'
import type { IconName } from '../parts/icon.tsx'
import { paths, query } from '../paths.ts'

export const KINDS = [
  'recent',
  'action',
  'page',
  'workload',
  'plan',
  'persona',
  'policy',
  'agent',
  'source',
  'why',
] as const
export type Kind = (typeof KINDS)[number]

export type Item = {
  readonly id: string
  readonly kind: Kind
  readonly name: string
  readonly icon: IconName
  /** where it leads, or the key it presses on the page that is open */
  readonly does: { readonly to: string } | { readonly press: string }
  readonly keys?: string
  readonly workload?: WorkloadRecord
}

export type Held = {
  readonly workloads: readonly WorkloadRecord[]
  readonly plans: readonly PlanSummary[]
  readonly personas: readonly ManifestRecord[]
  readonly policies: readonly ManifestRecord[]
  readonly agents: readonly AgentRecord[]
  readonly sources: readonly SourceRecord[]
  readonly recent: readonly Item[]
  /** what the page and the shell do now, by key */
  readonly actions: readonly ActionKey[]
}

const PER_KIND = 8
const ACTIONS = { s: 'shift', c: 'confirm', r: 'rollback', '.': 'pause', 'mod+.': 'theme' } as const
type ActionKey = keyof typeof ACTIONS
export const ACTION_KEYS = Object.keys(ACTIONS) as readonly ActionKey[]

export function findItems(text: string, held: Held): Item[] {
  const asked = findFlow(text, held.workloads)
  if (asked !== null) return [asked]
  const why = /^\s*why\b\s*/i.exec(text)
  const wanted = (why === null ? text : text.slice(why[0].length)).trim().toLowerCase()
  const workloads = best(held.workloads, wanted, namesOf, (w) => w.risk?.value ?? 0)
  if (why !== null) return workloads.map(whyItem)
  const things = [...goTos(held, wanted), ...(wanted === '' ? [] : workloads.slice(0, 3).map(whyItem))]
  if (wanted !== '')
    return [...actionItems(held, wanted), ...pageItems(wanted), ...workloads.map(workloadItem), ...things]
  return [...held.recent, ...actionItems(held, ''), ...pageItems(''), ...workloads.map(workloadItem)]
}

function actionItems({ actions }: Held, wanted: string): Item[] {
  const all = actions.map(
    (key): Item => ({
      id: `action-${key}`,
      kind: 'action',
      name: t(`keys.${ACTIONS[key]}`),
      icon: key === 's' || key === 'c' || key === 'r' ? 'plan' : 'activity',
      does: { press: key },
      keys: key.replace('mod+', 'Ctrl '),
    }),
  )
  return all.filter((item) => item.name.toLowerCase().includes(wanted))
}

function pageItems(wanted: string): Item[] {
  const all = PAGES.map(
    ({ name, icon, to, keys }): Item => ({ id: name, kind: 'page', name: t(`nav.${name}`), icon, does: { to }, keys }),
  )
  return all.filter((item) => item.name.toLowerCase().includes(wanted))
}

function goTos(held: Held, wanted: string): Item[] {
  if (wanted === '') return []
  const named = (m: ManifestRecord) => [m.manifest.metadata.name, m.id]
  return [
    ...best(held.plans, wanted, (p) => [p.title, `${p.plan.generation.n}`, p.plan.id]).map((p) =>
      item('plan', p.plan.id, `${p.title} (${p.plan.generation.n})`, 'plan', paths.plan(p.plan.id)),
    ),
    ...best(held.personas, wanted, named).map((m) =>
      item('persona', m.id, m.manifest.metadata.name, 'persona', paths.persona(m.id)),
    ),
    ...best(held.policies, wanted, named).map((m) =>
      item('policy', m.id, m.manifest.metadata.name, 'policy', paths.policy(m.id)),
    ),
    ...best(held.agents, wanted, (a) => [a.host, a.id]).map((a) =>
      item('agent', a.id, a.host, 'agent', `${paths.agents()}${query({ sel: a.id })}`),
    ),
    ...best(held.sources, wanted, (s) => [s.name]).map((s) =>
      item('source', s.id, s.name, 'source', `${paths.sources()}${query({ sel: s.id })}`),
    ),
  ]
}

function item(kind: Kind, id: string, name: string, icon: IconName, to: string): Item {
  return { id: `${kind}-${id}`, kind, name, icon, does: { to } }
}

function workloadItem(w: WorkloadRecord): Item {
  return { ...item('workload', w.id, w.report.name, 'fleet', paths.workload(w.id)), workload: w }
}

function whyItem(w: WorkloadRecord): Item {
  const to = `${paths.workload(w.id)}${query({ why: 'risk' })}`
  return { ...item('why', w.id, t('palette.why', { name: w.report.name }), 'risk', to), keys: 'w' }
}

/** `why A to B:PORT`: A is a name or an address of ours, B what it spoke with. */
function findFlow(text: string, workloads: readonly WorkloadRecord[]): Item | null {
  const found = /^\s*why\s+(\S+)\s+to\s+(\S+)\s*$/i.exec(text)
  if (found === null) return null
  const [, from = '', to = ''] = found
  const w = workloads.find((one) => one.report.name === from || one.report.addresses.includes(from))
  if (w === undefined) return null
  const name = t('palette.whyFlow', { name: w.report.name, to })
  return item('why', 'flow', name, 'risk', `${paths.workload(w.id)}${query({ why: `to:${to}` })}`)
}

function namesOf(w: WorkloadRecord): readonly string[] {
  return [w.report.name, ...w.report.addresses, ...Object.values(w.report.labels)]
}

/** Those with a name that contains the text; a beginning before a middle, then by weight. */
function best<T>(
  rows: readonly T[],
  wanted: string,
  names: (row: T) => readonly string[],
  weight: (row: T) => number = () => 0,
): T[] {
  const found: { row: T; begins: number; weight: number }[] = []
  for (const row of rows) {
    const all = names(row)
    if (!all.some((name) => name.toLowerCase().includes(wanted))) continue
    found.push({ row, begins: all[0]?.toLowerCase().startsWith(wanted) === true ? 0 : 1, weight: weight(row) })
  }
  found.sort((a, b) => a.begins - b.begins || b.weight - a.weight)
  return found.slice(0, PER_KIND).map(({ row }) => row)
}

const STORED = 'guise-recent'
const REMEMBERED = 5

/** The last five that were gone to, in this browser. */
export function readRecent(store: Pick<Storage, 'getItem'> = localStorage): readonly Item[] {
  try {
    const found: unknown = JSON.parse(store.getItem(STORED) ?? '[]')
    return Array.isArray(found) ? found.filter(isItem).slice(0, REMEMBERED) : []
  } catch {
    return []
  }
}

function isItem(one: unknown): one is Item {
  const { id, name, icon, does } = (one ?? {}) as Partial<Record<string, unknown>>
  const to = typeof does === 'object' && does !== null && 'to' in does ? does.to : null
  const ours = typeof to === 'string' && to.startsWith('/') && !to.startsWith('//')
  return typeof id === 'string' && typeof name === 'string' && typeof icon === 'string' && ours
}

export function remember(chosen: Item, store: Storage = localStorage): void {
  if (!('to' in chosen.does) || chosen.kind === 'page') return
  const id = chosen.id.replace(/^(recent-)*/, 'recent-')
  const kept: Item = { id, kind: 'recent', name: chosen.name, icon: chosen.icon, does: chosen.does }
  const others = readRecent(store).filter((one) => one.id !== id)
  store.setItem(STORED, JSON.stringify([kept, ...others].slice(0, REMEMBERED)))
}
