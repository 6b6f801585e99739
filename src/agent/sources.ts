/**
 * The agent's further sources: specs come in, each is opened, read and, when it breaks, opened again; what they saw goes
 * into one `NetworkSense`, and how each of them is (conntrack and sock_diag, too) goes out with every tick's report.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { SourceCounters } from '../model/flow.ts'
import type { HopHealth, SourceHealth } from '../model/source-health.ts'
import { MAX_SOURCES } from '../model/source-health.ts'
import { createUdpSource } from '../observe/ingest/udp-source.ts'
import { createAuditReader } from '../observe/sensors/auditd.ts'
import { createFalcoReader } from '../observe/sensors/falco.ts'
import { type SensorEvent, type SensorFigures, sensorRows } from '../observe/sensors/sensor.ts'
import { createTetragonReader } from '../observe/sensors/tetragon.ts'
import { createServiceNames, type FlowSource, type ServiceNames } from '../observe/source.ts'
import { createEveRows } from '../observe/sources/eve-rows.ts'
import { createTailSource } from '../observe/sources/tail.ts'
import { createZeekLog } from '../observe/sources/zeek-log.ts'
import { createNetworkSense, type NetworkSense } from './network-sense.ts'
import { prefixed, type Sense } from './sense.ts'
import { fileHealth, type Measured, netflowHealth, plainHealth, sensorHealth } from './source-health.ts'
import { createSourceMeter, judgeSource, type SourceMeter } from './source-meter.ts'
import type { SourceSpec } from './source-spec.ts'

export type Sources = {
  readonly sense: NetworkSense
  /** Ends when the signal does; a source that fails is said and tried again. */
  run(signal: AbortSignal): Promise<void>
  health(now: number, spool: { readonly ticks: number; readonly dropped: number }): SourceHealth[]
  /** The agent's own senses and these as one; `introduce` is called when there are devices the server was not told of. */
  joinedWith(own: Sense, introduce: () => void): Sense
  /** A source that somebody else reads. */
  add(source: OwnSource): void
}

/** Conntrack and the like: read elsewhere, told of here. `measure` is asked once a tick. */
export type OwnSource = {
  readonly name: string
  readonly kind: SourceHealth['kind']
  /** What to say when nothing comes. */
  readonly quiet: string
  measure(): Measured
  /** What the reducer behind it had no room for. */
  reduced(): number
}

type Kept = OwnSource & { readonly meter: SourceMeter; failed: string | null }

const REDUCE = {
  hop: 'reduce',
  unit: 'flows',
  what: 'devices and conversations beyond the bounds of this agent, of all its sources of this sort',
} as const

const AGAIN_MS = 5_000
const AGAIN_MAX_MS = 60_000

export function createSources(options: {
  readonly specs: readonly SourceSpec[]
  readonly home: string
  /** What sensors of processes tell. */
  readonly told: (event: SensorEvent) => void
  readonly say: (line: string) => void
  readonly clock?: () => number
}): Sources {
  const clock = options.clock ?? Date.now
  const startedAt = clock()
  const services = createServiceNames()
  const sense = createNetworkSense({ networks: options.specs.flatMap(({ networks }) => networks), services })
  const kept: Kept[] = []
  const opened = options.specs.map((spec) => {
    const { source, told } = openSource(spec, services, options, clock)
    const one: Kept = { ...told, reduced: () => sense.lost, meter: createSourceMeter(startedAt), failed: null }
    kept.push(one)
    return { source, one }
  })

  const follow = async ({ source, one }: { source: FlowSource; one: Kept }, signal: AbortSignal) => {
    let pauseMs = AGAIN_MS
    while (!signal.aborted) {
      try {
        for await (const batch of source.batches(signal)) {
          one.failed = null
          pauseMs = AGAIN_MS
          sense.take(batch)
        }
      } catch (error) {
        one.failed = (error as Error).message
        options.say(`source ${one.name}: ${one.failed}; it is tried again`)
      }
      await wait(pauseMs, undefined, { signal }).catch(() => {})
      pauseMs = Math.min(AGAIN_MAX_MS, pauseMs * 2)
    }
  }

  return {
    sense,
    add(source) {
      kept.push({ ...source, meter: createSourceMeter(clock()), failed: null })
    },
    async run(signal) {
      await Promise.all(opened.map((each) => follow(each, signal)))
    },
    joinedWith: (own, introduce) => ({
      ...own,
      alarms: (now) => [...own.alarms(now), ...sense.alarms(now)],
      close(until) {
        const [mine, others] = [own.close(until), sense.close(until)]
        if (sense.takeNews()) introduce()
        return {
          ticks: [...mine.ticks, ...others.ticks],
          conversations: [...mine.conversations, ...others.conversations],
          evidence: [...mine.evidence, ...others.evidence],
        }
      },
      counters: () =>
        opened.length === 0 ? own.counters() : { ...own.counters(), ...prefixed('net', sense.counters()) },
    }),
    health: (now, spool) => kept.slice(0, MAX_SOURCES).map((one) => healthOf(one, now, startedAt, spool)),
  }
}

function healthOf(
  one: Kept,
  now: number,
  startedAt: number,
  spool: { readonly ticks: number; readonly dropped: number },
): SourceHealth {
  const measured = one.measure()
  one.meter.sample(now, measured.flows, measured.lost)
  const { flowsPerSecond, lostLately, lastSeen } = one.meter
  const failed = one.failed ?? measured.failed ?? null
  const report: HopHealth = {
    hop: 'report',
    in: spool.ticks,
    lost: spool.dropped,
    unit: 'ticks',
    what: 'ticks of this agent that the spool had no room for while the server was away',
  }
  return {
    name: one.name.slice(0, 200),
    kind: one.kind,
    ...judgeSource(now, startedAt, {
      failed: failed?.slice(0, 300) ?? null,
      lostLately,
      lagMs: measured.lagMs,
      lastSeen,
      quiet: one.quiet,
    }),
    flows: measured.flows,
    flowsPerSecond: Math.round(flowsPerSecond * 10) / 10,
    lost: measured.lost,
    lostLately,
    refused: measured.refused,
    refusals: measured.refusals,
    lagMs: measured.lagMs,
    lastSeen,
    exporters: measured.exporters,
    exportersMore: measured.exportersMore,
    hops: [...measured.hops, { ...REDUCE, in: measured.flows, lost: one.reduced() }, report],
  }
}

function openSource(
  spec: SourceSpec,
  services: ServiceNames,
  { home, told }: { readonly home: string; readonly told: (event: SensorEvent) => void },
  clock: () => number,
): { readonly source: FlowSource; readonly told: Omit<OwnSource, 'reduced'> } {
  if (spec.kind === 'netflow') {
    const source = createUdpSource({ ...spec, services, clock })
    const quiet =
      spec.exporters.length === 0
        ? 'nothing came; only this machine may send, add exporter=CIDR to the source for others'
        : `nothing came; let an exporter send to port ${spec.port} of this host`
    return {
      source,
      told: { name: source.name, kind: 'netflow', quiet, measure: () => netflowHealth(source, clock()) },
    }
  }
  const folder = join(home, 'sources')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const name = `${spec.kind}:${spec.path}`
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16)
  const figures = { events: 0, lost: 0 }
  const isSensor = spec.kind !== 'zeek' && spec.kind !== 'eve'
  const source = createTailSource({
    name,
    path: spec.path,
    ...(isSensor ? { ...SENSED[spec.kind], rows: sensed(spec.kind, figures, told) } : FOLLOWED[spec.kind](services)),
    positions: join(folder, `${digest}.json`),
    clock,
  })
  const quiet = `nothing was written to ${spec.path}; see that it is the path of the sensor's log`
  const measure = () => (isSensor ? sensorHealth(source, spec.path, figures) : fileHealth(source, spec.path))
  return { source, told: { name, kind: spec.kind, quiet, measure } }
}

/** Which files of a folder, and how their lines are read. */
const FOLLOWED = {
  zeek: (services: ServiceNames) => ({
    // Archived ones (`conn.08:00:00-09:00:00.log`) come to folders of hourly files; what is compressed was read before.
    wants: (name: string) =>
      /^(?:.*[-_.])?(conn|dns|ssl|http|ssh|smtp)[._].*log$|^(conn|dns|ssl|http|ssh|smtp)\.log$/.test(name),
    rows: (path: string) => createZeekLog(services, /(conn|dns|ssl|http|ssh|smtp)[._][^/]*$/.exec(path)?.[1] ?? 'conn'),
  }),
  eve: (services: ServiceNames) => ({
    wants: (name: string) => /^eve.*\.json$/.test(name),
    rows: () => createEveRows(services),
  }),
} as const

/** Files of a folder of Tetragon's exports are rotated by name; auditd keeps numbered ones, which were read before. */
const SENSED = {
  tetragon: { wants: (name: string) => /^tetragon.*\.(?:log|json)$/.test(name), reader: createTetragonReader },
  falco: { wants: (name: string) => /\.(?:log|json|txt)$/.test(name), reader: createFalcoReader },
  auditd: { wants: (name: string) => name === 'audit.log', reader: createAuditReader },
} as const

/** A file that begins anew does not have what the one before told half. */
function sensed(kind: keyof typeof SENSED, figures: SensorFigures, told: (event: SensorEvent) => void) {
  return () => sensorRows(SENSED[kind].reader(), figures, told)
}

/** What any source counts about itself. */
export function ownSource(
  source: { readonly name: string; readonly counters: SourceCounters },
  kind: SourceHealth['kind'],
  quiet: string,
  reduced: () => number,
): OwnSource {
  return { name: source.name, kind, quiet, measure: () => plainHealth(source.counters), reduced }
}
