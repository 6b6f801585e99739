/**
 * The `inspection` facet: how closely a workload's traffic is looked at, by a sensor that its host names. Each level holds
 * those before it. `full` would watch system calls as well, for which no driver is there yet, so it is refused.
 */
import { type Static, Type } from 'typebox'

export const INSPECTION_LEVELS = ['none', 'flows', 'signatures', 'full'] as const
export type InspectionLevel = (typeof INSPECTION_LEVELS)[number]

/**
 * none = nothing is copied. flows = what opens and ends conversations: TCP SYN, FIN and RST, DNS, ICMP. signatures = every
 * packet, both ways.
 */
export const Inspection = Type.Enum(INSPECTION_LEVELS)

export const InspectionWish = Type.Object(
  { level: Type.Union([Type.Literal('none'), Type.Literal('flows'), Type.Literal('signatures')]) },
  { additionalProperties: false },
)
export type InspectionWish = Static<typeof InspectionWish>

export const NO_FULL = {
  why: 'full inspection watches system calls, and no driver of this release does',
  cure: 'use signatures',
} as const

/** `full` was refused before. */
export function inspectionWish(level: InspectionLevel): InspectionWish {
  return { level: level === 'full' ? 'signatures' : level }
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
      return talk.bytesOut + talk.bytesIn
  }
}
