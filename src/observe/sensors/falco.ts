/**
 * Falco's alerts as `json_output: true` writes them, one a line (falco.org, "Falco Alerts" and "Supported Fields"):
 * `{"hostname":"…","output":"…","output_fields":{"container.id":"…","proc.pid":…},"priority":"Warning","rule":"…","time":"…"}`.
 * Which fields there are is the rule's choice. Its own word on events it dropped is a loss.
 */
import { plainText } from '../../model/plain-text.ts'
import { numberAt, objectAt, textAt } from '../sources/eve-hints.ts'
import { countKind, refusedLine } from '../sources/line-rows.ts'
import { containerOf, pidsOf, type SensorReader } from './sensor.ts'
import { parseObject } from './tetragon.ts'

/** Priorities are those of syslog (RFC 5424 §6.2.1). */
const SEVERITIES: Readonly<Record<string, 1 | 2 | 3>> = {
  emergency: 1,
  alert: 1,
  critical: 1,
  error: 2,
  warning: 2,
  notice: 3,
  informational: 3,
  info: 3,
  debug: 3,
}

export function createFalcoReader(): SensorReader {
  const passed = new Map<string, number>()
  return {
    passed,
    take(line, give) {
      const record = parseObject(line)
      if (record === null) return refusedLine('not a JSON object')
      const rule = plainText(textAt(record, 'rule'), 200)
      const said = textAt(record, 'priority').slice(0, 32).toLowerCase()
      const severity = Object.hasOwn(SEVERITIES, said) ? SEVERITIES[said] : undefined
      const at = Date.parse(textAt(record, 'time').slice(0, 40))
      if (rule === '' || severity === undefined) return refusedLine('no alert of Falco: rule or priority is missing')
      if (!(at >= 0 && at <= 8.64e15)) return refusedLine('its time is none')
      const fields = objectAt(record, 'output_fields') ?? {}
      if (rule.startsWith('Falco internal')) {
        const dropped = Number(fields.n_drops ?? Number.NaN)
        if (dropped > 0 && dropped <= 1e15) give({ kind: 'lost', events: dropped })
        else countKind(passed, 'internal')
        return null
      }
      const host = plainText(textAt(record, 'hostname'), 255)
      const whose = {
        container: containerOf(textAt(fields, 'container.id')),
        pids: pidsOf(numberAt(fields, 'proc.pid'), numberAt(fields, 'proc.ppid')),
        host: host === '' ? null : host,
      }
      give({ kind: 'alert', whose, at, sensor: 'Falco', rule, severity })
      return null
    },
  }
}
