/**
 * What agents and server say to each other: NDJSON/HTTP over the local socket or TLS, closed schemas, both ends validate.
 * An agent is an untrusted client (it may speak of its own workloads only); a server is trusted only within these shapes.
 * Whatever is a list or a mapping has a bound, of keys as well; it is above what an agent of ours sends, by much.
 */
import { type Static, Type } from 'typebox'
import { Approval, MAX_APPROVALS } from './approval.ts'
import { AgentState, Generation } from './desired.ts'
import { Evidence } from './evidence.ts'
import { DRIVERS } from './facets.ts'
import { ForeignChain, MAX_FOREIGN } from './foreign-chain.ts'
import { MAX_MACHINES, MachineOrder, MachineReport, MachineResult } from './machine-order.ts'
import { mapping } from './mapping.ts'
import { MAX_SOURCES, SourceHealth } from './source-health.ts'
import { WireVitals } from './vitals.ts'
import { BUCKETS, HISTOGRAMS, REGISTERS, SKETCHES, SUMS, TOP_PEERS } from './window.ts'

const closed = { additionalProperties: false } as const

/** Workloads that somebody labels by hand have a few; a key as long as Kubernetes lets it be, with its prefix. */
const [MAX_LABELS, LABEL_KEY] = [100, 317]
/** Their names are in the agent's code, well below this, and none is made of what was observed. */
const MAX_COUNTERS = 1_000
/** Rules: an agent tells 5000 denies and 500 hits at most with a report, and more when reports had to wait. */
export const [MAX_DENIES, MAX_HITS] = [10_000, 5_000]
/** Of one report: one more of any, and all of it is refused. */
export const [MAX_TICKS, MAX_CONVERSATIONS, MAX_EVIDENCE] = [10_000, 50_000, 10_000]

/** What a driver found. `key` is stable across restarts and hosts; the id is made from it. */
export const WorkloadReport = Type.Object(
  {
    key: Type.String({ minLength: 1, maxLength: 128 }),
    name: Type.String({ minLength: 1, maxLength: 128 }),
    kind: Type.Enum(['namespace', 'host', 'vm', 'container', 'device']),
    driver: Type.Enum(DRIVERS),
    /** The interface on the enforcing side, none for the host itself. */
    interface: Type.Union([Type.String({ pattern: '^[A-Za-z0-9_.-]{1,15}$' }), Type.Null()]),
    addresses: Type.Array(Type.String({ maxLength: 45 }), { maxItems: 64 }),
    labels: mapping(LABEL_KEY, Type.String({ maxLength: 63 }), MAX_LABELS),
    /** Declared persona, when whoever made the workload said so. */
    persona: Type.Optional(Type.String({ maxLength: 63 })),
    /** Key of the VM or namespace that fronts this device. */
    frontedBy: Type.Optional(Type.String({ maxLength: 128 })),
  },
  closed,
)
export type WorkloadReport = Static<typeof WorkloadReport>

/** epoch ms, up to the last instant that a Date can tell (ECMA-262 §21.4.1.1); the record's integers hold no more. */
const Time = Type.Number({ minimum: 0, maximum: 8.64e15 })
/** A tally: far above any that was counted, and sums of many of them are finite still. */
export const MAX_TALLY = 1e18
const Tally = Type.Number({ minimum: -MAX_TALLY, maximum: MAX_TALLY })
const numbers = (n: number) => Type.Array(Tally, { minItems: n, maxItems: n })
export const WireWindow = Type.Object(
  {
    key: Type.String({ maxLength: 128 }),
    start: Time,
    spanMs: Type.Integer({ minimum: 1_000, maximum: 86_400_000 }),
    sums: numbers(SUMS.length),
    histograms: numbers(HISTOGRAMS.length * BUCKETS),
    /** SKETCHES × REGISTERS bytes, base64 */
    registers: Type.String({ maxLength: Math.ceil((SKETCHES.length * REGISTERS) / 3) * 4 }),
    peers: Type.Array(
      Type.Object({ peer: Type.String({ maxLength: 45 }), flows: Tally, bytesOut: Tally, bytesIn: Tally }, closed),
      { maxItems: TOP_PEERS },
    ),
  },
  closed,
)
export type WireWindow = Static<typeof WireWindow>

export const WireConversation = Type.Object(
  {
    key: Type.String({ maxLength: 128 }),
    peer: Type.String({ maxLength: 45 }),
    port: Type.Integer({ minimum: 0, maximum: 65535 }),
    proto: Type.Integer({ minimum: 0, maximum: 255 }),
    direction: Type.Union([Type.Literal('initiated'), Type.Literal('served')]),
    start: Time,
    last: Time,
    flows: Tally,
    failed: Tally,
    bytesOut: Tally,
    bytesIn: Tally,
    service: Type.Union([Type.String({ maxLength: 32 }), Type.Null()]),
  },
  closed,
)
export type WireConversation = Static<typeof WireConversation>

/** A reflex that happened: pre-authorised, in the ledger right after. */
export const WireReflex = Type.Object(
  {
    key: Type.String({ maxLength: 128 }),
    peer: Type.String({ maxLength: 45 }),
    at: Time,
    until: Time,
    why: Type.String({ maxLength: 500 }),
  },
  closed,
)
export type WireReflex = Static<typeof WireReflex>

/** A refused flow as the kernel logged it: packets of one tuple under one rule, told soon after the first. */
export const WireDenial = Type.Object(
  {
    from: Type.String({ maxLength: 45 }),
    to: Type.String({ maxLength: 45 }),
    proto: Type.Integer({ minimum: 0, maximum: 255 }),
    /** Of the destination; ICMP: the type. */
    port: Type.Integer({ minimum: 0, maximum: 65535 }),
    /** Of the first packet: a refused answer is known by it. */
    sourcePort: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 })),
    rule: Type.String({ maxLength: 160 }),
    first: Time,
    last: Time,
    /** Logged ones: a flood is logged in part, `denies` counts them all. */
    packets: Tally,
  },
  closed,
)
export type WireDenial = Static<typeof WireDenial>

/** A message of the server that the agent did not act on, and why. */
export const WireRefusal = Type.Object(
  {
    at: Time,
    /** `message`: it was not even one of ours. */
    of: Type.Enum(['state', 'confirm', 'rollback', 'indicators', 'machine', 'bookmark', 'message']),
    reason: Type.String({ maxLength: 500 }),
    /** Where in it, a JSON pointer; empty = the whole of it. */
    pointer: Type.String({ maxLength: 300 }),
    /** The same again since the last report. */
    times: Type.Integer({ minimum: 1 }),
  },
  closed,
)
export type WireRefusal = Static<typeof WireRefusal>

/** How far the agent is with a generation, read back from the kernel, not remembered. */
export const Applied = Type.Object(
  {
    generation: Generation,
    state: Type.Enum(['applying', 'confirming', 'confirmed', 'rolled-back', 'refused']),
    /** epoch ms by which it undoes itself; null when nothing is pending. */
    deadline: Type.Union([Type.Number(), Type.Null()]),
    probes: Type.Array(
      Type.Object(
        { name: Type.String({ maxLength: 64 }), ok: Type.Boolean(), detail: Type.String({ maxLength: 300 }) },
        closed,
      ),
      { maxItems: 100 },
    ),
    /** Hash of the kernel text in force. */
    hash: Type.String({ maxLength: 64 }),
    why: Type.Optional(Type.String({ maxLength: 500 })),
  },
  closed,
)
export type Applied = Static<typeof Applied>

/** POST /v1/agents/{id}/report, every tick and whenever something urgent happens. */
export const AgentReport = Type.Object(
  {
    boot: Type.String({ maxLength: 64 }),
    /** Monotonic per boot: a repeat is recognised and answered again without effect. */
    sequence: Type.Integer({ minimum: 0 }),
    at: Time,
    host: Type.String({ maxLength: 128 }),
    mode: Type.Union([Type.Literal('off'), Type.Literal('observe'), Type.Literal('suggest'), Type.Literal('enforce')]),
    workloads: Type.Optional(Type.Array(WorkloadReport, { maxItems: 10_000 })),
    ticks: Type.Array(WireWindow, { maxItems: MAX_TICKS }),
    conversations: Type.Array(WireConversation, { maxItems: MAX_CONVERSATIONS }),
    evidence: Type.Array(Type.Object({ key: Type.String({ maxLength: 128 }), evidence: Evidence }, closed), {
      maxItems: MAX_EVIDENCE,
    }),
    reflexes: Type.Array(WireReflex, { maxItems: 1_000 }),
    applied: Type.Union([Applied, Type.Null()]),
    counters: mapping(64, Type.Number(), MAX_COUNTERS),
    /** Denies seen by the kernel since the last report, by rule id. */
    denies: mapping(160, Type.Number(), MAX_DENIES),
    /** Packets that rules matched since the last report, by rule id, allows too; those with most. */
    hits: Type.Optional(mapping(160, Tally, MAX_HITS)),
    /** Some of them as flows; an agent that cannot read the kernel's log leaves it out. */
    denials: Type.Optional(Type.Array(WireDenial, { maxItems: 1_000 })),
    /** What was refused since the last report; some of it, `counters` has all. */
    refusals: Type.Optional(Type.Array(WireRefusal, { maxItems: 100 })),
    /** How every source of the agent is, with each tick's report. */
    sources: Type.Optional(Type.Array(SourceHealth, { maxItems: MAX_SOURCES })),
    /** What workloads use and do that is no flow, with each tick's report. */
    vitals: Type.Optional(WireVitals),
    /** Hooks of others in its kernel, with the workloads. */
    beside: Type.Optional(Type.Array(ForeignChain, { maxItems: MAX_FOREIGN })),
    /** The machines of its host, when they are looked at anew; what became of orders since the last report. */
    machines: Type.Optional(Type.Array(MachineReport, { maxItems: MAX_MACHINES })),
    orders: Type.Optional(Type.Array(MachineResult, { maxItems: 100 })),
  },
  { additionalProperties: false, $id: 'AgentReport' },
)
export type AgentReport = Static<typeof AgentReport>

/** GET /v1/agents/{id}/desired: a stream of NDJSON lines, newest state first, then as it changes, a bookmark every 15 s. */
export const ServerMessage = Type.Union([
  Type.Object(
    {
      type: Type.Literal('state'),
      state: AgentState,
      /** Of the people who approved it, for hosts whose floor asks for that. */
      approvals: Type.Optional(Type.Array(Approval, { maxItems: MAX_APPROVALS })),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('confirm'), generation: Generation }, closed),
  Type.Object({ type: Type.Literal('rollback'), generation: Generation, why: Type.String({ maxLength: 500 }) }, closed),
  /** Indicators for detection and reflex; whole list, with its hash. */
  Type.Object(
    {
      type: Type.Literal('indicators'),
      hash: Type.String({ maxLength: 64 }),
      entries: Type.Array(
        Type.Object(
          {
            cidr: Type.String({ maxLength: 64 }),
            score: Type.Number(),
            feed: Type.String({ maxLength: 63 }),
            confidence: Type.Number(),
          },
          closed,
        ),
        { maxItems: 1_000_000 },
      ),
      neverBlock: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 10_000 }),
      homeNetworks: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 1_000 }),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('machine'), order: MachineOrder }, closed),
  Type.Object({ type: Type.Literal('bookmark'), at: Type.Number() }, closed),
])
export type ServerMessage = Static<typeof ServerMessage>
