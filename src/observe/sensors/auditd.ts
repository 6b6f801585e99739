/**
 * The log of auditd (auditd.conf(5), linux/audit.h): a record a line, `type=SYSCALL msg=audit(1650921443.448:267): … ppid=1 pid=935
 * …`; the records of one event share its serial, here 267. Every SYSCALL record that a rule asked for is a call; one with an
 * EXECVE record of the same serial is a program that started. `log_format = ENRICHED` adds words behind a group separator.
 */
import { plainText } from '../../model/plain-text.ts'
import { countKind, refusedLine } from '../sources/line-rows.ts'
import { pidsOf, type SensorEvent, type SensorReader, type Whose } from './sensor.ts'

const RECORD = /^(?:node=(\S{1,255}) )?type=([A-Z][A-Z0-9_[\]]{0,40}) msg=audit\((\d{1,12})\.(\d{1,9}):(\d{1,20})\):/
/** Events whose other half has not come: they are written one after the other, so few are open at once. */
const MOST_OPEN = 256

export function createAuditReader(): SensorReader {
  const passed = new Map<string, number>()
  /** Calls that worked, and programs told of before their call; by host, time and serial. */
  const calls = new Map<string, Whose>()
  const programs = new Map<string, true>()
  const open = <T>(held: Map<string, T>, event: string, value: T) => {
    if (held.size >= MOST_OPEN) held.delete(held.keys().next().value!)
    held.set(event, value)
  }
  const takeCall = (event: string, host: string | null, text: string, give: (event: SensorEvent) => void) => {
    // Names that programs gave themselves stand behind these, and blanks in them are encoded.
    const pid = Number(/ pid=(\d{1,10})(?= |$)/.exec(text)?.[1] ?? Number.NaN)
    const parent = Number(/ ppid=(\d{1,10})(?= |$)/.exec(text)?.[1] ?? Number.NaN)
    const pids = pidsOf(pid, parent)
    if (pids.length === 0) return refusedLine('a SYSCALL record without a process')
    const whose: Whose = { container: null, pids, host }
    give({ kind: 'call', whose })
    if (!/ success=yes(?= |$)/.test(text)) return null
    if (programs.delete(event)) give({ kind: 'program', whose })
    else open(calls, event, whose)
    return null
  }
  return {
    passed,
    take(line, give) {
      const found = RECORD.exec(line)
      if (found === null) return refusedLine('no record of auditd')
      const [whole, node, type, seconds, fraction, serial] = found
      const event = `${node ?? ''} ${seconds}.${fraction}:${serial}`
      const separator = line.indexOf('\u001d')
      const text = line.slice(whole.length, separator < 0 ? undefined : separator)
      const host = node === undefined ? null : plainText(node, 255)
      if (type === 'SYSCALL') return takeCall(event, host, text, give)
      if (type !== 'EXECVE') {
        countKind(passed, type!)
        return null
      }
      const whose = calls.get(event)
      if (whose === undefined) open(programs, event, true)
      else {
        // Long command lines take several EXECVE records.
        calls.delete(event)
        give({ kind: 'program', whose })
      }
      return null
    },
  }
}
