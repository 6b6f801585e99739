/**
 * The host's floor: what a server may ever ask of this host, written by its administrator into a file that only root can
 * change, never sent by anybody. This file says what can be written and what holds where nothing was written;
 * `floor-file.ts` reads it, `floor-judge.ts` holds every state to it. Lists are closed: empty means nothing.
 */
import { type Static, Type } from 'typebox'
import { FACETS } from '../model/persona.ts'
import { Duration, durationMs, MODES } from '../model/policy.ts'

const closed = { additionalProperties: false } as const
const Port = Type.Integer({ minimum: 1, maximum: 65_535 })
const amount = (maximum: number) => Type.Optional(Type.Integer({ minimum: 0, maximum }))

/** A network that no plan may cut off, and none of whose addresses a plan may give to a workload. */
const Protected = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$' }),
    cidr: Type.String({ minLength: 2, maxLength: 64 }),
    /** Which way must stay open, seen from the workload; `none` = only its addresses are kept. */
    reach: Type.Optional(Type.Enum(['egress', 'ingress', 'both', 'none'])),
    /** Whose way: the host's own, or that of every workload here as well. */
    of: Type.Optional(Type.Enum(['host', 'every'])),
    protocol: Type.Optional(Type.Enum(['tcp', 'udp'])),
    port: Type.Optional(Port),
    to: Type.Optional(Port),
  },
  closed,
)

export const FloorText = Type.Object(
  {
    version: Type.Literal(1),
    facets: Type.Optional(Type.Array(Type.Enum(FACETS), { maxItems: FACETS.length })),
    protected: Type.Optional(Type.Array(Protected, { maxItems: 100 })),
    /** `name` or `name=version`, as the package manager writes them. */
    packages: Type.Optional(
      Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9.+-]{0,63}(=[A-Za-z0-9][A-Za-z0-9.+:~-]{0,63})?$' }), {
        maxItems: 10_000,
      }),
    ),
    /** The interface of this host that copies of packets go to (facet inspection). */
    sensor: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$' })),
    limits: Type.Optional(
      Type.Object(
        {
          workloads: amount(10_000),
          changesPerMinute: amount(1_000_000),
          rules: amount(10_000_000),
          sets: amount(1_000),
          elements: amount(10_000_000),
          machines: amount(1_000),
          machineMemoryMb: amount(16_777_216),
          machineCpus: amount(64_000),
          messageBytes: Type.Optional(Type.Integer({ minimum: 1_024, maximum: 256 << 20 })),
          containedFor: Type.Optional(Duration),
          confirmWithin: Type.Optional(Duration),
        },
        closed,
      ),
    ),
    /** The least that a server may lower enforcement to. */
    leastMode: Type.Optional(Type.Enum(MODES)),
    approvals: Type.Optional(
      Type.Object(
        {
          /** Name of a person → `ed25519:` and the public key, as `guise approver keygen` prints it. */
          keys: Type.Record(
            Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' }),
            Type.String({ maxLength: 60 }),
            {
              minProperties: 1,
              maxProperties: 100,
              additionalProperties: false,
            },
          ),
          /** Signatures of different people that a plan needs. */
          needed: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
          /** `high`: plans of the high class, as this host sees it. `every`: all but containments. */
          of: Type.Optional(Type.Enum(['high', 'every'])),
          /** Facets whose every change is of the high class. */
          facets: Type.Optional(Type.Array(Type.Enum(FACETS), { maxItems: FACETS.length })),
          /** A plan that changes more than this share of 20 workloads or more is of the high class. */
          aboveShare: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
        },
        closed,
      ),
    ),
  },
  closed,
)
type FloorText = Static<typeof FloorText>

export type ProtectedPath = {
  readonly name: string
  readonly cidr: string
  readonly reach: 'egress' | 'ingress' | 'both' | 'none'
  readonly of: 'host' | 'every'
  readonly service: { readonly protocol: 'tcp' | 'udp'; readonly from: number; readonly to: number } | null
}

export type Floor = {
  readonly facets: readonly string[]
  readonly protected: readonly ProtectedPath[]
  readonly packages: readonly string[]
  /** null = nothing is copied. */
  readonly sensor: string | null
  readonly limits: {
    readonly workloads: number
    readonly changesPerMinute: number
    readonly rules: number
    readonly sets: number
    readonly elements: number
    /** Virtual machines of ours, and the memory and processors of all of them. */
    readonly machines: number
    readonly machineMemoryMb: number
    readonly machineCpus: number
    readonly messageBytes: number
    readonly containedForMs: number
    readonly confirmWithinMs: number
  }
  readonly leastMode: (typeof MODES)[number]
  /** null = no signature is asked for. */
  readonly approvals: {
    readonly keys: Readonly<Record<string, string>>
    readonly needed: number
    readonly of: 'high' | 'every'
    readonly facets: readonly string[]
    readonly aboveShare: number | null
  } | null
}

/**
 * The one table of what holds where the file says nothing. Besides it, always: the way of this host to its server stays
 * open, and nobody is given the address of the server or of the host's default gateway (`floor-judge.ts`).
 */
export const DEFAULT_FLOOR: Floor = {
  facets: FACETS,
  protected: [],
  packages: [],
  sensor: null,
  limits: {
    workloads: 10_000,
    changesPerMinute: 6_000,
    rules: 500_000,
    sets: 1_000,
    elements: 1_000_000,
    machines: 16,
    machineMemoryMb: 8_192,
    machineCpus: 64,
    messageBytes: 128 << 20,
    containedForMs: 7 * 86_400_000,
    confirmWithinMs: 3_600_000,
  },
  leastMode: 'off',
  approvals: null,
}

const DEFAULT_NEEDED = 2

/** `written` matches `FloorText`. */
export function floorOf(written: FloorText): Floor {
  const { limits = {}, approvals } = written
  const { containedFor, confirmWithin, ...amounts } = limits
  return {
    facets: written.facets ?? DEFAULT_FLOOR.facets,
    protected: (written.protected ?? []).map(pathOf),
    packages: written.packages ?? DEFAULT_FLOOR.packages,
    sensor: written.sensor ?? null,
    limits: {
      ...DEFAULT_FLOOR.limits,
      ...amounts,
      ...(containedFor === undefined ? {} : { containedForMs: durationMs(containedFor) }),
      ...(confirmWithin === undefined ? {} : { confirmWithinMs: durationMs(confirmWithin) }),
    },
    leastMode: written.leastMode ?? DEFAULT_FLOOR.leastMode,
    approvals:
      approvals === undefined
        ? null
        : {
            keys: approvals.keys,
            needed: approvals.needed ?? Math.min(DEFAULT_NEEDED, Object.keys(approvals.keys).length),
            of: approvals.of ?? 'high',
            facets: approvals.facets ?? [],
            aboveShare: approvals.aboveShare ?? null,
          },
  }
}

function pathOf(written: Static<typeof Protected>): ProtectedPath {
  const { name, cidr, reach = 'both', of = 'host', protocol, port, to } = written
  const service = protocol === undefined ? null : { protocol, from: port ?? 1, to: to ?? port ?? 65_535 }
  return { name, cidr, reach, of, service }
}
