/** What the address says of this page, and the other way round. Anything unknown is the default, and a default is left out. */
import type { TopologyLens, TopologyLevel } from '../../../../src/model/topology.ts'
import type { Address } from '../../parts/address.ts'

export const LENSES = ['traffic', 'policy', 'risk'] as const
export const VIEWS = ['map', 'matrix', 'list'] as const
export type View = (typeof VIEWS)[number]
export const LEVELS = ['segment', 'persona', 'workload'] as const
const MIN = 60_000
const HOUR = 60 * MIN
export const SPANS = [
  ['15m', 15 * MIN],
  ['1h', HOUR],
  ['24h', 24 * HOUR],
  ['7d', 7 * 24 * HOUR],
] as const
export type Span = (typeof SPANS)[number][0]

/** How near: everything at a level, or one segment at it. */
export type At = { readonly level: TopologyLevel; readonly segment: string | null }
export type PageState = {
  readonly lens: TopologyLens
  /** Null: not chosen, so the size of the fleet decides. */
  readonly view: View | null
  readonly at: At | null
  readonly span: Span
  readonly q: string
  readonly sel: string
  readonly infrastructure: 'show' | 'hide'
}

const oneOf = <T extends string>(all: readonly T[], text: string): T | null => all.find((one) => one === text) ?? null

export function readState(get: Address['get']): PageState {
  const [level, segment] = get('at').split(':')
  const known = oneOf(LEVELS, level ?? '')
  return {
    lens: oneOf(LENSES, get('lens')) ?? 'traffic',
    view: oneOf(VIEWS, get('view')),
    at: known === null ? null : { level: known, segment: segment === undefined || segment === '' ? null : segment },
    span:
      oneOf(
        SPANS.map(([name]) => name),
        get('from').replace(/^-/, ''),
      ) ?? '1h',
    q: get('q'),
    sel: get('sel'),
    infrastructure: get('infra') === 'show' ? 'show' : 'hide',
  }
}

export const atText = ({ level, segment }: At): string => (segment === null ? level : `${level}:${segment}`)
export const spanMs = (span: Span): number => SPANS.find(([name]) => name === span)![1]

/** Above this the list is what helps, and the map is beside it. */
const LIST_FROM = 5_000
export const usualView = (workloads: number): View => (workloads > LIST_FROM ? 'list' : 'map')

/** One step in: the segments, then the personas of one, then its workloads. Null: this is as near as the map goes. */
export function enter(at: At, segment: string): At | null {
  if (segment === 'outside') return null
  if (at.segment === segment && at.level === 'workload') return null
  if (at.level === 'segment') return { level: 'persona', segment }
  return { level: 'workload', segment }
}

export function leave(at: At): At | null {
  if (at.level === 'workload' && at.segment !== null) return { level: 'persona', segment: at.segment }
  if (at.level === 'persona' && at.segment !== null) return { level: 'segment', segment: null }
  return at.level === 'segment' ? null : { level: at.level === 'workload' ? 'persona' : 'segment', segment: null }
}
