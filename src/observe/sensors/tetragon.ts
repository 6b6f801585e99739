/**
 * Tetragon's JSON export: one `GetEventsResponse` a line, protojson with proto names (cilium/tetragon,
 * api/v1/tetragon/events.proto): `{"process_exec":{"process":{"pid":…,"docker":"…"},"parent":{…}},"node_name":"…","time":"…"}`.
 * Programs are `process_exec`; calls are kprobes on `…sys_…` functions and tracepoints of system calls, which a policy asked for.
 */
import { plainText } from '../../model/plain-text.ts'
import { type EveRecord, numberAt, objectAt, textAt } from '../sources/eve-hints.ts'
import { countKind, refusedLine } from '../sources/line-rows.ts'
import { containerOf, pidsOf, type SensorReader, type Whose } from './sensor.ts'

const EVENT = /^(?:process_[a-z]{1,24}|rate_limit_info|test)$/

export function createTetragonReader(): SensorReader {
  const passed = new Map<string, number>()
  return {
    passed,
    take(line, give) {
      const record = parseObject(line)
      if (record === null) return refusedLine('not a JSON object')
      const kind = Object.keys(record).find((name) => EVENT.test(name))
      const event = kind === undefined ? null : objectAt(record, kind)
      if (kind === undefined || event === null) return refusedLine('no event of Tetragon')
      if (kind === 'rate_limit_info') {
        // 64-bit numbers are text in protojson.
        const dropped = Number(event.number_of_dropped_process_events ?? Number.NaN)
        if (dropped > 0 && dropped <= 1e15) give({ kind: 'lost', events: dropped })
        return null
      }
      const whose = whoseOf(record, event)
      if (kind === 'process_exec') give({ kind: 'program', whose })
      else if (isCall(kind, event)) give({ kind: 'call', whose })
      else countKind(passed, kind)
      return null
    },
  }
}

/** null: no JSON, or no object. */
export function parseObject(line: string): EveRecord | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as EveRecord) : null
  } catch {
    return null
  }
}

function whoseOf(record: EveRecord, event: EveRecord): Whose {
  const process = objectAt(event, 'process') ?? {}
  const pod = objectAt(process, 'pod') ?? {}
  const container = objectAt(pod, 'container') ?? {}
  const host = plainText(textAt(record, 'node_name'), 255)
  return {
    // `docker` holds the first 31 characters of the id, whatever runs it.
    container: containerOf(textAt(container, 'id')) ?? containerOf(textAt(process, 'docker')),
    pids: pidsOf(numberAt(process, 'pid'), numberAt(objectAt(event, 'parent') ?? {}, 'pid')),
    host: host === '' ? null : host,
  }
}

function isCall(kind: string, event: EveRecord): boolean {
  if (kind === 'process_kprobe') return /(?:^|_)sys_/.test(textAt(event, 'function_name').slice(0, 100))
  return kind === 'process_tracepoint' && /^(?:raw_)?syscalls$/.test(textAt(event, 'subsys'))
}
