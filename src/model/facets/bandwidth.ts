/** The `bandwidth` facet: what a profile may say, and the same in bits per second. */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

const RateText = Type.String({
  pattern: '^\\d{1,9}(\\.\\d{1,3})?(kbit|mbit|gbit)$',
  description: 'bits per second, such as 800kbit, 10mbit, 1.5gbit',
})
const Direction = Type.Object(
  {
    /** What it always gets. */
    rate: RateText,
    /** What it may take while nobody else on its link needs it; absent = `rate`. */
    ceiling: Type.Optional(RateText),
  },
  closed,
)
/** Who goes first where the links of this host are shared: the band of its packets on the way out. */
const Priority = Type.Union([Type.Literal('high'), Type.Literal('normal'), Type.Literal('low')])

export const Bandwidth = Type.Object(
  {
    /** Towards the workload. */
    down: Type.Optional(Direction),
    up: Type.Optional(Direction),
    priority: Type.Optional(Priority),
  },
  { ...closed, minProperties: 1 },
)
export type Bandwidth = Static<typeof Bandwidth>

/** Below it a full-size frame would wait for more than a second; above it no kernel timer helps. */
export const LEAST_RATE = 8_000
export const GREATEST_RATE = 400_000_000_000
const Rate = Type.Integer({ minimum: LEAST_RATE, maximum: GREATEST_RATE })
const Shape = Type.Object({ rate: Rate, ceiling: Rate }, closed)

export const BandwidthWish = Type.Object(
  { down: Type.Optional(Shape), up: Type.Optional(Shape), priority: Type.Optional(Priority) },
  closed,
)
export type BandwidthWish = Static<typeof BandwidthWish>

const UNITS = { kbit: 1e3, mbit: 1e6, gbit: 1e9 } as const

/** Whole bits per second; null for a text that is no rate. */
export function bitsPerSecond(text: string): number | null {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(kbit|mbit|gbit)$/.exec(text) ?? []
  return amount === undefined ? null : Math.round(Number(amount) * UNITS[unit as keyof typeof UNITS])
}

export function bandwidthWish({ down, up, priority }: Bandwidth): BandwidthWish {
  const shape = ({ rate, ceiling = rate }: Static<typeof Direction>) => ({
    rate: bitsPerSecond(rate) ?? 0,
    ceiling: bitsPerSecond(ceiling) ?? 0,
  })
  return {
    ...(down === undefined ? {} : { down: shape(down) }),
    ...(up === undefined ? {} : { up: shape(up) }),
    ...(priority === undefined ? {} : { priority }),
  }
}
