/**
 * In which segment a workload stands, and in which column of the map. One rule, in this order:
 *
 * 1. A label `segment`, `zone` or `tier`: whoever runs the workloads said so, and is right.
 * 2. Its persona: people and devices ask (clients), gateways pass on (edge), servers work (services), stores keep (data).
 *    Who is believed to attack keeps the place of what it is assigned or wears: an attack must not move a node.
 * 3. Else it is not placed; it stands with the services, in a segment of its own that says so.
 *
 * Columns are in the order in which work flows, so most arrows point to the right and one that does not is worth a look.
 */
import { DEFAULT_PERSONA } from './belief.ts'
import { slug } from './ids.ts'

export type Standing = {
  readonly labels: Readonly<Record<string, string>>
  readonly kind: string
  /** As `personaOf` has it; null = unknown. */
  readonly persona: string | null
}
export type Segment = { readonly id: string; readonly name: string; readonly column: number }

export const OUTSIDE: Segment = { id: 'outside', name: 'Outside', column: 4 }
const LABELS = ['segment', 'zone', 'tier'] as const
const BY_COLUMN: readonly Segment[] = [
  { id: 'clients', name: 'Clients', column: 0 },
  { id: 'edge', name: 'Edge', column: 1 },
  { id: 'services', name: 'Services', column: 2 },
  { id: 'data', name: 'Data', column: 3 },
]
const UNPLACED: Segment = { id: 'not-placed', name: 'Not placed', column: 2 }
const MAX_NAME = 40

/** Words of persona names and of labels; the first column with a word that fits. */
const WORDS: readonly (readonly [column: number, words: RegExp])[] = [
  [
    0,
    /\b(clients?|people|users?|person|executive|developer|analyst|remote|office|laptops?|devices?|cameras?|iot|idle)\b/,
  ],
  [1, /\b(edge|gateway|gw|proxy|balancer|lb|ingress|dmz|vpn|dns|resolver|cdn|web|frontend)\b/],
  [3, /\b(data|databases?|db|storage|store|cache|queue|exporter|backup|etl|warehouse|persistence)\b/],
  [2, /\b(apis?|app|apps|server|services?|backend|consumer|runner|broker|worker|core|shop|batch|compute|ci)\b/],
]
const ATTACKERS: ReadonlySet<string> = new Set(['Compromised', 'Scanner'])

/** Assigned, else worn unless that is only the default, else believed; null = nobody knows. */
export function personaOf(who: {
  readonly assigned: string | null
  readonly worn: string | null
  readonly believed: string | null
}): string | null {
  if (who.assigned !== null) return who.assigned
  if (who.worn !== null && who.worn !== DEFAULT_PERSONA) return who.worn
  return who.believed
}

export function segmentOf(who: Standing): Segment {
  for (const label of LABELS) {
    const value = who.labels[label]
    const id = value === undefined ? '' : slug(value)
    if (value !== undefined && id !== '' && id !== OUTSIDE.id)
      return { id, name: value.slice(0, MAX_NAME), column: columnOf(value) ?? columnOfPersona(who) }
  }
  if (who.kind === 'device') return BY_COLUMN[0]!
  if (who.persona === null || ATTACKERS.has(who.persona)) return UNPLACED
  const column = columnOf(who.persona)
  return column === null ? UNPLACED : BY_COLUMN[column]!
}

function columnOf(text: string): number | null {
  const words = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, ' ')
  return WORDS.find(([, fits]) => fits.test(words))?.[0] ?? null
}

function columnOfPersona({ persona }: Standing): number {
  return persona === null || ATTACKERS.has(persona) ? UNPLACED.column : (columnOf(persona) ?? UNPLACED.column)
}

/** Above this the smallest are one segment. */
const MAX_SEGMENTS = 24
const OTHERS: Segment = { id: 'other-segments', name: 'Other segments', column: UNPLACED.column }

/**
 * The segment of each, index for index. A segment whose members point to several columns stands where most of them do
 * (the earlier one when equal), so that one odd workload does not move it.
 */
export function segmentsOf(all: readonly Standing[]): readonly Segment[] {
  const votes = new Map<string, { readonly name: string; readonly columns: number[]; members: number }>()
  const each = all.map((who) => {
    const segment = segmentOf(who)
    const vote = votes.get(segment.id) ?? { name: segment.name, columns: [0, 0, 0, 0, 0], members: 0 }
    vote.columns[segment.column]!++
    vote.members++
    votes.set(segment.id, vote)
    return segment.id
  })
  const ranked = [...votes].sort(([a, x], [b, y]) => y.members - x.members || (a < b ? -1 : 1))
  const chosen = new Map<string, Segment>()
  for (const [i, [id, vote]] of ranked.entries()) {
    const column = vote.columns.indexOf(Math.max(...vote.columns))
    chosen.set(id, i < MAX_SEGMENTS ? { id, name: vote.name, column } : OTHERS)
  }
  return each.map((id) => chosen.get(id)!)
}
