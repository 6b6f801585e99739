/**
 * NetFlow v5, v9 and IPFIX of real exporters, against the events logstash-codec-netflow makes of them. Expectations are
 * those of its own tests, so events are built here as that codec builds them, from the fields our decoder reads; and the
 * columns are held against the same fields.
 */
import { readFileSync } from 'node:fs'
import { createFlowBatch } from '../../src/model/flow.ts'
import { createNetflowDecoder, DATAGRAM_ROWS } from '../../src/observe/netflow/decoder.ts'
import { createDescription, type DescribedRecord, type Description } from '../../src/observe/netflow/describe.ts'
import { DecodeError } from '../../src/observe/reader.ts'
import { createServiceNames, createSourceCounters } from '../../src/observe/source.ts'
import { type CodecEvent, codecEvent, codecTemplates } from './netflow-codec.ts'
import { compareColumns } from './netflow-columns.ts'
import { sameValue } from './netflow-values.ts'
import { parseRuby } from './ruby-literal.ts'
import type { Section } from './section.ts'

type Check = { event: number; path: string[]; value_ruby_literal: string }
type Case = {
  context: string
  packets_in_order: string[]
  expected_event_count: number[]
  expected_events: Record<string, unknown>[]
  decoded_index_to_expected_index: [number, number][]
  field_checks: Check[]
}

export async function run(folder: string): Promise<Section | null> {
  const { cases } = JSON.parse(readFileSync(`${folder}/expectations.json`, 'utf8')) as { cases: Case[] }
  const tally = { expected: 0, passed: 0, events: 0, checks: 0, counts: 0, columns: 0 }
  const failures: string[] = []
  for (const test of cases) runCase(folder, test, tally, failures)
  const { expected, passed, ...figures } = tally
  return { expected, passed, failures, figures }
}

type Tally = { expected: number; passed: number; events: number; checks: number; counts: number; columns: number }

function runCase(folder: string, test: Case, tally: Tally, failures: string[]): void {
  const description = createDescription()
  const records: DescribedRecord[] = []
  const packets = test.packets_in_order.map((name) => readFileSync(`${folder}/${name}`))
  for (const packet of packets) describe(description, packet, records)
  const events = records.map(codecEvent)
  const judge = (kind: 'events' | 'checks' | 'counts' | 'columns', why: string | null, what: string) => {
    tally[kind]++
    tally.expected++
    if (why === null) tally.passed++
    else failures.push(`${test.context}: ${what}: ${why}`)
  }
  // The codec's tests count the events of each packet or of all; what they say last holds for all that came before.
  if (test.expected_event_count.length > 0) {
    const wanted = Math.max(...test.expected_event_count)
    judge('counts', events.length === wanted ? null : `${events.length} instead of ${wanted}`, 'events')
  }
  for (const [index, wanted] of test.expected_events.entries()) {
    const pair = test.decoded_index_to_expected_index.find(([, expected]) => expected === index)
    judge('events', compareEvent(wanted, pair?.[0] ?? null, events, description), `event ${index}`)
  }
  for (const check of test.field_checks) judge('checks', compareCheck(check, events), `field ${check.path.join('.')}`)
  judge('columns', columnsOf(packets, records), 'columns')
}

function describe(description: Description, packet: Uint8Array, records: DescribedRecord[]): void {
  try {
    description.describe(packet, records)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
  }
}

/** `index` null: upstream shows the event without saying which one it is, so any may equal it. */
function compareEvent(
  wanted: Record<string, unknown>,
  index: number | null,
  events: readonly CodecEvent[],
  description: Description,
): string | null {
  if (wanted.netflow === undefined) return sameValue(wanted, codecTemplates(description)) ?? null
  // Who sent it and under what host is not in the packet.
  const { host: _host, ...rest } = wanted
  if (index !== null) {
    const event = events[index]
    return event === undefined ? `there is no event ${index}` : sameEvent(rest, event)
  }
  const whys = events.map((event) => sameEvent(rest, event))
  return whys.includes(null) ? null : `none of ${events.length} events equals it: ${whys[0] ?? 'there are none'}`
}

function sameEvent(wanted: Record<string, unknown>, event: CodecEvent): string | null {
  const netflow = wanted.netflow as Record<string, unknown>
  if (event.netflow.version !== 10 || netflow.flowset_id !== undefined) return sameValue(wanted, event)
  // IPFIX events tell their set only when asked to.
  const { flowset_id: _set, ...fields } = event.netflow
  return sameValue(wanted, { ...event, netflow: fields })
}

function compareCheck(check: Check, events: readonly CodecEvent[]): string | null {
  let found: unknown = events[check.event]
  for (const key of check.path) found = (found as Record<string, unknown> | undefined)?.[key]
  return sameValue(parseRuby(check.value_ruby_literal), found)
}

function columnsOf(packets: readonly Uint8Array[], records: readonly DescribedRecord[]): string | null {
  const counters = createSourceCounters()
  const decoder = createNetflowDecoder({ services: createServiceNames(), counters, pairing: null })
  const batch = createFlowBatch(DATAGRAM_ROWS * (packets.length + 1))
  for (const packet of packets) decoder.decode(packet, 0, packet.length, 'sample', Number.POSITIVE_INFINITY, batch)
  return compareColumns(batch, records)
}
