/**
 * How a source is: what it gave, what was lost on which hop, and who sends to it. Agents tell it with every report
 * (`AgentReport.sources`), the server keeps the last of each and an hour of points. Counts are since the agent started;
 * names and reasons may come from the network and are sanitised by whoever counts them.
 */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const Time = Type.Number({ minimum: 0, maximum: 8.64e15 })
const Count = Type.Number({ minimum: 0, maximum: 1e18 })

export const SOURCE_KINDS = [
  'conntrack',
  'sock-diag',
  'vitals',
  'neighbours',
  'recording',
  'netflow',
  'zeek',
  'eve',
  'tetragon',
  'falco',
  'auditd',
] as const

/** Live: it gives. Silent: nothing for a minute. Behind: it loses, or lags over 10 s. Failed: it does not run; `why` says the cure. */
export const SOURCE_STATES = ['live', 'silent', 'behind', 'failed'] as const
export type SourceState = (typeof SOURCE_STATES)[number]

export const SILENT_AFTER_MS = 60_000
export const BEHIND_AFTER_MS = 10_000
export const MAX_EXPORTERS = 64
export const MAX_REFUSALS = 20
export const MAX_SOURCES = 64

/**
 * Where flows can be lost on their way, in order: `socket` the kernel's buffer, `decode` exporters' sequence gaps and
 * what was refused, `reduce` rows beyond the reducer's bounds, `report` ticks the spool had no room for, `intake` what
 * the server did not take.
 */
export const HOPS = ['socket', 'decode', 'reduce', 'report', 'intake'] as const
export type Hop = (typeof HOPS)[number]

export const HopHealth = Type.Object(
  {
    hop: Type.Enum([...HOPS]),
    /** What went in, in `unit`. */
    in: Count,
    lost: Count,
    unit: Type.Enum(['datagrams', 'events', 'lines', 'flows', 'ticks', 'samples', 'reports']),
    /** What is counted as lost here, for people. */
    what: Type.String({ maxLength: 120 }),
  },
  closed,
)
export type HopHealth = Static<typeof HopHealth>

export const ExporterHealth = Type.Object(
  {
    /** Its address, and the observation domain (IPFIX), source id (v9) or engine (v5) when it is not 0: `10.0.0.1#256`. */
    exporter: Type.String({ maxLength: 64 }),
    /** `v5`, `v9`, `ipfix`: what it spoke last. */
    protocol: Type.String({ maxLength: 16 }),
    packets: Count,
    flows: Count,
    /** By its sequence numbers: flows (v5, IPFIX) or datagrams (v9) that it sent and we did not get. */
    lost: Count,
    refused: Count,
    lastSeen: Type.Union([Time, Type.Null()]),
    /** Its clock minus ours as of its last datagram, ms; null = it told no time. */
    clockSkewMs: Type.Union([Type.Number({ minimum: -1e16, maximum: 1e16 }), Type.Null()]),
    /** One packet of so many is sampled; 1 = all, or not said. */
    sampling: Count,
    templates: Count,
  },
  closed,
)
export type ExporterHealth = Static<typeof ExporterHealth>

export const SourceHealth = Type.Object(
  {
    /** Unique within its agent: `conntrack`, `netflow:0.0.0.0:2055`, `eve:/var/log/suricata/eve.json`. */
    name: Type.String({ minLength: 1, maxLength: 200 }),
    kind: Type.Enum([...SOURCE_KINDS]),
    state: Type.Enum([...SOURCE_STATES]),
    /** Why it is in that state, with the cure when there is one; empty when all is well. */
    why: Type.String({ maxLength: 300 }),
    flows: Count,
    /** Over the last minute. */
    flowsPerSecond: Count,
    /** All that is known to be lost, counted once: an exporter's gap shows what the socket dropped, too. */
    lost: Count,
    /** Lost in the last minute: what is wrong now. */
    lostLately: Count,
    refused: Count,
    refusals: Type.Array(
      Type.Object({ at: Type.String({ maxLength: 260 }), why: Type.String({ maxLength: 300 }) }, closed),
      { maxItems: MAX_REFUSALS },
    ),
    /** ms from the end of the newest flow to when we had it, or what of a file waits to be read as time; null = not known. */
    lagMs: Type.Union([Count, Type.Null()]),
    lastSeen: Type.Union([Time, Type.Null()]),
    /** Those heard last; `exportersMore` are left out. */
    exporters: Type.Array(ExporterHealth, { maxItems: MAX_EXPORTERS }),
    exportersMore: Count,
    hops: Type.Array(HopHealth, { maxItems: 8 }),
  },
  closed,
)
export type SourceHealth = Static<typeof SourceHealth>
