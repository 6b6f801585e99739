/**
 * What a workload uses and does that is no flow: processor, memory, disks, its link, the programs it starts. An agent tells
 * a batch per tick (`AgentReport.vitals`): columns named once, a row per workload. What could not be read is not known
 * (null on the wire, NaN in memory), never zero; ticks merge into windows figure by figure.
 */
import { type Static, Type } from 'typebox'
import { mapping } from './mapping.ts'

export type Figure = {
  readonly name: string
  /** Of a reading: a counter's amount over the span, or the level at its end. */
  readonly unit: 'seconds' | 'bytes' | 'packets' | 'programs' | 'processes' | 'calls' | 'kills'
  /** A counter is told as what was added since the look before; a level as it is. */
  readonly kind: 'counter' | 'level'
  /** How two readings become one over both spans. */
  readonly merge: 'sum' | 'max' | 'last'
  readonly what: string
  readonly source: string
}

const counter = { kind: 'counter', merge: 'sum' } as const
const highest = { kind: 'level', merge: 'max' } as const
const latest = { kind: 'level', merge: 'last' } as const

const CGROUP_OR_PROCESSES = 'its cgroup (v1 or v2), else /proc of the processes in it or in its network namespace'
const LINK = 'rtnetlink: RTM_GETLINK, IFLA_STATS64 of our end of its link'
const QUEUE = 'rtnetlink: RTM_GETQDISC, TCA_STATS2 of the root queues of its link and of what it sends through'

/** Every figure; a row of a batch may have any of them. Seen from the workload: what it sends, we receive. */
export const FIGURES = [
  { name: 'cpu', unit: 'seconds', ...counter, what: 'processor time', source: CGROUP_OR_PROCESSES },
  {
    name: 'throttled',
    unit: 'seconds',
    ...counter,
    what: 'held back by its cpu limit',
    source: 'cpu.stat of its cgroup',
  },
  {
    name: 'memory',
    unit: 'bytes',
    ...highest,
    what: 'memory in use, without the file cache',
    source: CGROUP_OR_PROCESSES,
  },
  { name: 'memoryLimit', unit: 'bytes', ...latest, what: 'memory it may use', source: 'its cgroup' },
  { name: 'oomKills', unit: 'kills', ...counter, what: 'killed for want of memory', source: 'its cgroup' },
  { name: 'diskRead', unit: 'bytes', ...counter, what: 'read from disks', source: CGROUP_OR_PROCESSES },
  { name: 'diskWrite', unit: 'bytes', ...counter, what: 'written to disks', source: CGROUP_OR_PROCESSES },
  { name: 'processes', unit: 'processes', ...latest, what: 'processes', source: CGROUP_OR_PROCESSES },
  {
    name: 'starts',
    unit: 'programs',
    ...counter,
    what: 'programs started',
    source: 'proc connector, Tetragon, auditd',
  },
  { name: 'syscalls', unit: 'calls', ...counter, what: 'system calls told by a sensor', source: 'Tetragon, auditd' },
  {
    name: 'systemCalls',
    unit: 'calls',
    ...counter,
    what: 'system calls made',
    source: 'perf_event_open: raw_syscalls:sys_enter of its processes, when they are to be counted',
  },
  { name: 'sent', unit: 'bytes', ...counter, what: 'sent on its link', source: LINK },
  { name: 'received', unit: 'bytes', ...counter, what: 'received on its link', source: LINK },
  { name: 'dropsOut', unit: 'packets', ...counter, what: 'dropped of what it sent', source: LINK },
  { name: 'dropsIn', unit: 'packets', ...counter, what: 'dropped on the way to it', source: LINK },
  { name: 'errors', unit: 'packets', ...counter, what: 'broken on its link', source: LINK },
  { name: 'backlog', unit: 'bytes', ...highest, what: 'waiting in its queues', source: QUEUE },
  { name: 'queueDrops', unit: 'packets', ...counter, what: 'dropped by its queues', source: QUEUE },
] as const satisfies readonly Figure[]
export type FigureName = (typeof FIGURES)[number]['name']
export const figureAt = Object.fromEntries(FIGURES.map(({ name }, i) => [name, i])) as Record<FigureName, number>

const closed = { additionalProperties: false } as const
const Name = Type.String({ maxLength: 32 })
const Reading = Type.Union([Type.Number({ minimum: 0, maximum: 1e18 }), Type.Null()])
export const MAX_FIGURES = 64

export const WireVitals = Type.Object(
  {
    /** epoch ms of the look before, and how long ago that was. */
    start: Type.Number({ minimum: 0, maximum: 8.64e15 }),
    spanMs: Type.Integer({ minimum: 1, maximum: 86_400_000 }),
    /** Names of the columns; a receiver passes over those it does not know. */
    figures: Type.Array(Name, { maxItems: MAX_FIGURES }),
    rows: Type.Array(
      Type.Object(
        {
          key: Type.String({ maxLength: 128 }),
          values: Type.Array(Reading, { maxItems: MAX_FIGURES }),
          /** Why figures are not known, by name; told now and then. */
          why: Type.Optional(mapping(32, Type.String({ maxLength: 200 }), MAX_FIGURES)),
        },
        closed,
      ),
      { maxItems: 10_000 },
    ),
  },
  closed,
)
export type WireVitals = Static<typeof WireVitals>

/** One workload's readings over a span. */
export type Vitals = {
  /** epoch ms */
  start: number
  spanMs: number
  /** By FIGURES; NaN = not known. */
  readonly values: Float64Array
  /** Of the span, how much each reading is about: a gap counts as nothing. */
  readonly coveredMs: Float64Array
  /** epoch ms at which each was read last */
  readonly readAt: Float64Array
}

/** A second's worth of a counter, a level as it is; null = not known. */
export function perSecond(vitals: Pick<Vitals, 'values' | 'coveredMs'>, figure: number): number | null {
  const [value, coveredMs] = [vitals.values[figure]!, vitals.coveredMs[figure]!]
  if (Number.isNaN(value) || coveredMs <= 0) return null
  return FIGURES[figure]!.kind === 'counter' ? (value * 1_000) / coveredMs : value
}

/** What a rate or level is counted in, for people. */
export function rateUnit({ unit, kind }: Pick<Figure, 'unit' | 'kind'>): string {
  if (kind === 'level') return unit
  return unit === 'seconds' ? 'cores' : `${unit}/s`
}

/** The answer of `GET /v1/workloads/{id}/vitals`. */
export type VitalsTold = {
  /** epoch ms, end of the last tick; null = its agent told nothing yet */
  readonly at: number | null
  readonly spanMs: number
  readonly figures: readonly FigureTold[]
  /** Windows of 30 s of the last hour, oldest first; by figure, of those that were ever known. A counter is per second. */
  readonly history: {
    readonly start: readonly number[]
    readonly columns: { readonly [name: string]: readonly (number | null)[] }
  }
}
export type FigureTold = {
  readonly name: FigureName
  readonly what: string
  readonly kind: Figure['kind']
  /** Of `now`, `mean` and `most`. */
  readonly unit: string
  /** Over the last tick; null = not known, and `why` says the reason when there is one. */
  readonly now: number | null
  /** Over the hour kept; for counters `total` is the sum of what was seen. */
  readonly mean: number | null
  readonly most: number | null
  readonly total: number | null
  readonly why: string | null
}
