/** The `cpu` and `memory` facets: how much of this host's processors and memory a workload may take. */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

export const Cpu = Type.Object(
  {
    /** At most this many processors' time; 0.5 = half of one. */
    cores: Type.Optional(Type.Number({ minimum: 0.01, maximum: 4_096 })),
    /** Share against others when all want to run; 100 is what everybody has. */
    weight: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  },
  { ...closed, minProperties: 1 },
)
export type Cpu = Static<typeof Cpu>

export const Memory = Type.Object(
  {
    max: Type.String({
      pattern: '^\\d{1,7}(\\.\\d{1,3})?(KiB|MiB|GiB)$',
      description: 'such as 512MiB or 1.5GiB',
    }),
  },
  closed,
)
export type Memory = Static<typeof Memory>

/** Less than this starts no program. */
export const LEAST_BYTES = 4 << 20
/** No host has more. */
export const GREATEST_BYTES = 2 ** 46
const Bytes = Type.Integer({ minimum: LEAST_BYTES, maximum: GREATEST_BYTES })
export const MemoryWish = Type.Object({ maxBytes: Bytes }, closed)
export type MemoryWish = Static<typeof MemoryWish>

const UNITS = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const
const PAGE = 4_096

/** Whole pages, because the kernel keeps no less; null for a text that is no size. */
export function bytesOf(text: string): number | null {
  const [, amount, unit] = /^(\d{1,7}(?:\.\d{1,3})?)(KiB|MiB|GiB)$/.exec(text) ?? []
  if (amount === undefined) return null
  return Math.floor((Number(amount) * UNITS[unit as keyof typeof UNITS]) / PAGE) * PAGE
}

export function memoryWish({ max }: Memory): MemoryWish {
  return { maxBytes: bytesOf(max) ?? 0 }
}
