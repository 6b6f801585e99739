/** What sources count about themselves comes in; figures with one meaning for all of them, and the hops where flows are lost, go out. */
import type { SourceCounters } from '../model/flow.ts'
import { plainText } from '../model/plain-text.ts'
import {
  type ExporterHealth,
  type HopHealth,
  MAX_EXPORTERS,
  MAX_REFUSALS,
  type SourceHealth,
} from '../model/source-health.ts'
import type { UdpSource } from '../observe/ingest/udp-source.ts'
import type { SensorFigures } from '../observe/sensors/sensor.ts'
import type { TailSource } from '../observe/sources/tail.ts'
import type { DeviceWatch } from './devices.ts'
import type { OwnSource } from './sources.ts'

export type Measured = Pick<
  SourceHealth,
  'flows' | 'lost' | 'refused' | 'refusals' | 'lagMs' | 'exporters' | 'exportersMore' | 'hops'
> & { readonly failed?: string | null }

export function refusalsOf({ refusals }: SourceCounters): SourceHealth['refusals'] {
  return refusals.slice(0, MAX_REFUSALS).map(({ file, line, offset, why }) => ({
    at: plainText(`${file}${line !== undefined ? `:${line}` : offset !== undefined ? ` byte ${offset}` : ''}`, 260),
    why: plainText(why, 300),
  }))
}

/** Conntrack: events of the kernel. */
export function plainHealth(counters: SourceCounters): Measured {
  return {
    flows: counters.rows,
    lost: counters.lost,
    refused: counters.refused,
    refusals: refusalsOf(counters),
    lagMs: null,
    exporters: [],
    exportersMore: 0,
    hops: [
      hop(
        'socket',
        counters.read + counters.lost,
        counters.lost,
        'events',
        'overruns of the socket; a dump of the table makes up for them within 5 s',
      ),
      hop('decode', counters.read, counters.refused, 'events', 'messages that could not be read'),
    ],
  }
}

/** Devices behind shared interfaces, as the kernel's table of neighbours tells them. */
export function devicesSource(watch: DeviceWatch, faces: readonly string[]): OwnSource {
  const measure = (): Measured => ({
    flows: watch.known,
    lost: watch.refused,
    refused: 0,
    refusals: [],
    lagMs: null,
    exporters: [],
    exportersMore: 0,
    failed:
      watch.failing === null
        ? null
        : `devices are not looked for, ${plainText(watch.failing, 200)}; it is tried again several times a second`,
    hops: [
      hop(
        'socket',
        watch.counters.sightings,
        watch.refused,
        'events',
        'neighbours beyond 1,000 of an interface, or somebody there who makes addresses up',
      ),
    ],
  })
  const quiet = `nobody was seen on ${faces.join(', ')}; see that it is the interface that the devices are on`
  return { name: 'devices', kind: 'neighbours', quiet, measure, reduced: () => 0 }
}

/** sock_diag: looks into namespaces, one a tick. */
export function sampledHealth(samples: number, failed: number): Measured {
  return {
    flows: samples,
    lost: failed,
    refused: 0,
    refusals: [],
    lagMs: null,
    exporters: [],
    exportersMore: 0,
    hops: [
      hop('socket', samples + failed, failed, 'samples', 'namespaces that could not be entered or gave no answer'),
    ],
  }
}

export function netflowHealth(source: UdpSource, now: number): Measured {
  const { counters, figures, decoder } = source
  const exporters = exportersOf(source)
  return {
    flows: decoder.figures.flows,
    lost: Math.max(counters.lost, figures.dropped),
    refused: counters.refused,
    refusals: refusalsOf(counters),
    lagMs: figures.lagMs === null ? null : Math.min(figures.lagMs, now),
    exporters: exporters.slice(0, MAX_EXPORTERS),
    exportersMore: Math.max(0, exporters.length - MAX_EXPORTERS),
    hops: [
      hop(
        'socket',
        figures.datagrams + figures.dropped,
        figures.dropped,
        'datagrams',
        `dropped by the kernel: its buffer of ${Math.round(figures.bufferBytes / 1e6)} MB was full`,
      ),
      hop(
        'decode',
        decoder.figures.flows + counters.lost,
        counters.lost,
        'flows',
        'missing in the sequence of their exporters, wherever they were lost',
      ),
    ],
  }
}

/** Newest first: one per observation domain, and those that were refused. */
function exportersOf(source: UdpSource): ExporterHealth[] {
  const senders = new Map(source.exporters().map((one) => [one.name, one]))
  const told: ExporterHealth[] = []
  const decoded = new Set<string>()
  for (const domain of source.decoder.exporters.values()) {
    const sender = senders.get(domain.exporter)
    decoded.add(domain.exporter)
    told.push({
      exporter: plainText(domain.id === 0 ? domain.exporter : `${domain.exporter}#${domain.id}`, 64),
      protocol: domain.version === 10 ? 'ipfix' : `v${domain.version}`,
      packets: domain.datagrams,
      flows: domain.flows,
      lost: domain.lost,
      refused: sender?.refused ?? 0,
      lastSeen: domain.seenMs,
      clockSkewMs: sender === undefined || Number.isNaN(sender.skewMs) ? null : sender.skewMs,
      sampling: domain.sampling,
      templates: domain.templates.size,
    })
  }
  for (const { name, packets, refused, lastSeen, isAllowed } of senders.values()) {
    if (decoded.has(name)) continue
    const protocol = isAllowed ? 'none yet' : 'not allowed'
    told.push({
      exporter: name,
      protocol,
      packets,
      flows: 0,
      lost: 0,
      refused,
      lastSeen,
      clockSkewMs: null,
      sampling: 1,
      templates: 0,
    })
  }
  return told.sort((a, b) => (b.lastSeen ?? 0) - (a.lastSeen ?? 0))
}

export function fileHealth(source: TailSource, path: string): Measured {
  const { counters, figures } = source
  return {
    flows: counters.rows,
    lost: figures.tooLong,
    refused: counters.refused,
    refusals: refusalsOf(counters),
    lagMs: figures.lagMs,
    exporters: [],
    exportersMore: 0,
    failed:
      figures.followed === 0 && counters.read === 0
        ? `${plainText(path, 120)} is not there yet; it is read once it is`
        : null,
    hops: [hop('decode', counters.read, counters.refused + figures.tooLong, 'lines', 'lines that could not be read')],
  }
}

/** Events that a sensor told of instead of flows, and what it says itself that it had no room for. */
export function sensorHealth(source: TailSource, path: string, { events, lost }: SensorFigures): Measured {
  const read = fileHealth(source, path)
  const sensor = hop('socket', events + lost, lost, 'events', 'events that the sensor says it had no room for')
  return { ...read, flows: events, lost: read.lost + lost, hops: [sensor, ...read.hops] }
}

export function hop(
  name: HopHealth['hop'],
  into: number,
  lost: number,
  unit: HopHealth['unit'],
  what: string,
): HopHealth {
  return { hop: name, in: into, lost, unit, what }
}
