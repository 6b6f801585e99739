/**
 * What a person may have done to a machine of a host from the server: one order, one act. Closed, and everything in it a name,
 * a number or an address by a pattern; what it may not have, its host refuses.
 */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' })
const Address = '[0-9A-Fa-f.:]{2,45}'

export const MachineAct = Type.Union([
  Type.Object({ do: Type.Literal('start') }, closed),
  /** `cut`: not asked first. */
  Type.Object({ do: Type.Literal('stop'), how: Type.Enum(['ask', 'cut']) }, closed),
  Type.Object(
    {
      do: Type.Literal('resize'),
      cpus: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
      memoryMb: Type.Optional(Type.Integer({ minimum: 32, maximum: 1_048_576 })),
    },
    { ...closed, minProperties: 2 },
  ),
  /** `link`: what its host's end of it is called; `uplink`: of a copy of one that runs. */
  Type.Object(
    {
      do: Type.Literal('clone'),
      copy: Name,
      link: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$' }),
      gateways: Type.Optional(Type.Array(Type.String({ pattern: `^${Address}/\\d{1,3}$` }), { maxItems: 4 })),
      addresses: Type.Optional(Type.Array(Type.String({ pattern: `^${Address}$` }), { maxItems: 16 })),
      uplink: Type.Optional(Type.Enum(['open', 'closed'])),
    },
    closed,
  ),
  Type.Object({ do: Type.Literal('destroy') }, closed),
])
export type MachineAct = Static<typeof MachineAct>

export const MachineOrder = Type.Object(
  {
    id: Type.String({ pattern: '^m_[0-9a-f]{32}$' }),
    /** By name or uuid. */
    machine: Name,
    act: MachineAct,
    /** Who asked, for the host's own log. */
    by: Type.String({ pattern: '^[A-Za-z0-9_.:@ -]{1,128}$' }),
    /** epoch ms of the server's clock: later it is not begun any more. */
    until: Type.Number({ minimum: 0, maximum: 8.64e15 }),
  },
  closed,
)
export type MachineOrder = Static<typeof MachineOrder>

/** What became of one, as its host says. */
export const MachineResult = Type.Object(
  {
    id: MachineOrder.properties.id,
    at: MachineOrder.properties.until,
    outcome: Type.Enum(['begun', 'done', 'refused', 'failed']),
    /** Of one that is done, what it came to. */
    why: Type.String({ maxLength: 500 }),
  },
  closed,
)
export type MachineResult = Static<typeof MachineResult>

/** A machine as its host has it. `keeper`: who has its definition; only those of Guise are copied and destroyed from here. */
export const MachineReport = Type.Object(
  {
    uuid: Type.String({ pattern: '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
    /** As its host lets it be called. */
    name: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' }),
    keeper: Type.Enum(['guise', 'libvirt']),
    power: Type.Enum(['on', 'off']),
    cpus: Type.Integer({ minimum: 1, maximum: 100_000 }),
    memoryMb: Type.Integer({ minimum: 0, maximum: 2 ** 40 }),
    link: Type.Union([Type.Null(), Type.String({ maxLength: 15 })]),
  },
  closed,
)
export type MachineReport = Static<typeof MachineReport>

/** An order as `GET /v1/agents/{id}/machines` shows it. */
export type MachineOrderRecord = MachineOrder & {
  readonly at: number
  /** `waits`: for another person. */
  readonly state: 'waits' | 'sent' | MachineResult['outcome'] | 'unheard'
  readonly why: string
}
export function isOver({ state }: Pick<MachineOrderRecord, 'state'>): boolean {
  return state !== 'waits' && state !== 'sent' && state !== 'begun'
}

/** `GET /v1/agents/{id}/machines` */
export type MachinesOf = {
  /** epoch ms; null = its agent has not told yet. */
  readonly at: number | null
  readonly machines: readonly MachineReport[]
  /** Newest first. */
  readonly orders: readonly MachineOrderRecord[]
}

export const MAX_MACHINES = 1_000
