/** The `dlp` facet: how much may leave a workload, and to whom. Everything here only takes away; a violation is evidence. */
import { type Static, Type } from 'typebox'
import { DomainPattern, Duration } from '../policy.ts'

const closed = { additionalProperties: false } as const

const Size = Type.String({ pattern: '^[1-9]\\d{0,6}(KiB|MiB|GiB|TiB)$', description: 'A size: 500MiB, 2GiB' })
const UNITS = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const

/** Bytes; null for a text that is no size. */
export function sizeOf(text: string): number | null {
  const [, amount, unit] = /^([1-9]\d{0,6})(KiB|MiB|GiB|TiB)$/.exec(text) ?? []
  return amount === undefined ? null : Number(amount) * UNITS[unit as keyof typeof UNITS]
}

export const Dlp = Type.Object(
  {
    /** What a workload may send: to everyone together, to the wearers of one persona together, or to each stranger. */
    budgets: Type.Optional(
      Type.Array(
        Type.Object(
          {
            to: Type.Union(
              [
                Type.Literal('everyone'),
                Type.Literal('unrated'),
                Type.Object({ persona: Type.String({ minLength: 1, maxLength: 63 }) }, closed),
              ],
              { description: 'everyone; unrated = each address outside that no feed rates; or a persona' },
            ),
            bytes: Size,
            per: Type.Union([Type.Literal('hour'), Type.Literal('day')]),
          },
          closed,
        ),
        { minItems: 1, maxItems: 10 },
      ),
    ),
    /** At most so much within such a span, whoever it goes to. */
    burst: Type.Optional(Type.Object({ bytes: Size, within: Duration }, closed)),
    /** New flows to an address outside that it never spoke with wait this long, so that somebody can look. */
    newDestinations: Type.Optional(Type.Object({ hold: Duration }, closed)),
    /** Outside, only what these names stand for. */
    names: Type.Optional(Type.Array(DomainPattern, { minItems: 1, maxItems: 100 })),
    /** Questions for names are looked at for data in them. */
    dnsTunnels: Type.Optional(Type.Literal('watch')),
  },
  { ...closed, minProperties: 1 },
)
export type Dlp = Static<typeof Dlp>

/** What of it is no rule. */
export const DlpWish = Type.Object({ dnsTunnels: Type.Union([Type.Literal('watch'), Type.Literal('no')]) }, closed)
export type DlpWish = Static<typeof DlpWish>

export function dlpWish({ dnsTunnels }: Pick<Dlp, 'dnsTunnels'>): DlpWish {
  return { dnsTunnels: dnsTunnels ?? 'no' }
}
