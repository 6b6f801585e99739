/**
 * The `inspection` facet: how closely a workload is looked at. Each level holds those before it. Traffic is copied to a sensor
 * that its host names; system calls are counted by its agent (`vitals`). Beside the level, rules that mirror say what else is
 * copied.
 */
import { type Static, Type } from 'typebox'
import { RuleMatch } from '../rule-match.ts'

export const INSPECTION_LEVELS = ['none', 'flows', 'signatures', 'full'] as const

/**
 * none = nothing is copied. flows = what opens and ends conversations: TCP SYN, FIN and RST, DNS, ICMP. signatures = every
 * packet, both ways. full = and its system calls are counted.
 */
export const Inspection = Type.Enum(INSPECTION_LEVELS)

export const MOST_MIRRORED = 50

/** What one rule mirrors: packets of conversations that its end asks for, and their answers. */
export const Mirrored = Type.Object(
  {
    rule: Type.String({ maxLength: 160 }),
    /** egress = the workload asks. */
    direction: Type.Enum(['egress', 'ingress']),
    /** Never of a set: packets are picked by what they carry themselves. */
    match: RuleMatch,
  },
  { additionalProperties: false },
)
export type Mirrored = Static<typeof Mirrored>

export const InspectionWish = Type.Object(
  { level: Inspection, mirrored: Type.Optional(Type.Array(Mirrored, { minItems: 1, maxItems: MOST_MIRRORED })) },
  { additionalProperties: false },
)
export type InspectionWish = Static<typeof InspectionWish>

/** Where every packet is copied already, rules have nothing to add. */
export function withMirrored(wish: InspectionWish | null, mirrored: readonly Mirrored[]): InspectionWish | null {
  if (mirrored.length === 0 || wish?.level === 'signatures' || wish?.level === 'full') return wish
  return { level: wish?.level ?? 'none', mirrored: [...mirrored] }
}

/** Whose system calls are counted, by key. */
export function inspectedInFull(
  state: { readonly workloads: readonly { readonly key: string; readonly inspection?: InspectionWish }[] } | null,
): ReadonlySet<string> {
  const full = state?.workloads.filter(({ inspection }) => inspection?.level === 'full') ?? []
  return new Set(full.map(({ key }) => key))
}

/** The closer of two; null = nobody asks. */
export function closerLook(a: InspectionWish | null, b: InspectionWish | null): InspectionWish | null {
  if (a === null || b === null) return a ?? b
  return INSPECTION_LEVELS.indexOf(a.level) >= INSPECTION_LEVELS.indexOf(b.level) ? a : b
}

/** Of an opening or ending packet, with its link header. */
const PACKET_BYTES = 74
/** SYN, its answer, a FIN or RST each way; or a question and its answer twice. */
const PACKETS_PER_FLOW = 4

/** How much of this talk a sensor would have got, in bytes. */
export function copiedBytes(
  { level }: InspectionWish,
  talk: { flows: number; bytesOut: number; bytesIn: number },
): number {
  switch (level) {
    case 'none':
      return 0
    case 'flows':
      return Math.min(talk.bytesOut + talk.bytesIn, talk.flows * PACKETS_PER_FLOW * PACKET_BYTES)
    case 'signatures':
    case 'full':
      return talk.bytesOut + talk.bytesIn
  }
}
