/** The `machine` facet: whether a virtual machine runs, and how large it is. A machine that wears it runs unless it says `off`. */
import { type Static, Type } from 'typebox'
import { bytesOf } from './limits.ts'

const closed = { additionalProperties: false } as const
const Power = Type.Enum(['on', 'off'])
const Cpus = Type.Integer({ minimum: 1, maximum: 64 })

export const MachineFacet = Type.Object(
  {
    /** `off`: asked to end, cut when it does not; `on` when left out. */
    power: Type.Optional(Power),
    /** Processors, from its next start on. */
    cpus: Type.Optional(Cpus),
    /** Less than it was started with holds at once, more from its next start on. */
    memory: Type.Optional(
      Type.String({ pattern: '^\\d{1,7}(\\.\\d{1,3})?(MiB|GiB)$', description: 'such as 512MiB or 1.5GiB' }),
    ),
  },
  { ...closed, minProperties: 1 },
)
export type MachineFacet = Static<typeof MachineFacet>

/** QEMU starts nothing below it; no host has more. */
export const [LEAST_MB, GREATEST_MB] = [32, 1_048_576] as const

export const MachineWish = Type.Object(
  {
    power: Power,
    cpus: Type.Optional(Cpus),
    memoryMb: Type.Optional(Type.Integer({ minimum: LEAST_MB, maximum: GREATEST_MB })),
  },
  closed,
)
export type MachineWish = Static<typeof MachineWish>

/** Whole mebibytes, because a machine is given no less. */
export function memoryMbOf(text: string): number {
  return Math.floor((bytesOf(text) ?? 0) / 2 ** 20)
}

export function machineWish({ power = 'on', cpus, memory }: MachineFacet): MachineWish {
  return {
    power,
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memoryMb: memoryMbOf(memory) }),
  }
}
