/**
 * formats/zat-zeek-logs: each of Zeek's logs that is read gives as many rows as it has, each equal to the file field by field;
 * the others are refused with their name, and the one that was truncated on purpose gives its rows and one refusal.
 */

import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { expectedOf, type PlainLog, plainLog, readLog, type Said, textOf } from './plain-logs.ts'
import type { RunSection } from './section.ts'

const READ = new Set(['conn', 'dns', 'ssl', 'http'])
/** Read, but of their rows only log-ins are kept. */
const LOGINS = new Set(['smtp', 'ssh', 'ftp'])

export const run: RunSection = async (folder) => {
  const paths = globSync(`${folder}/**/*.log*`).sort()
  if (paths.length === 0) return null
  const failures: string[] = []
  const excludedWhy: Record<string, number> = {}
  let expected = 0
  let passed = 0
  for (const path of paths) {
    const log = plainLog(textOf(path))
    const name = basename(path)
    const kind = log.path === '' ? (/^[a-z]+/.exec(name)?.[0] ?? '') : log.path
    const read = await readLog(path)
    const isCut = name.includes('corrupt')
    const check = (isEqual: boolean, what: string) => {
      expected++
      if (isEqual) passed++
      else failures.push(`${name}: ${what}`)
    }
    if (!READ.has(kind) && !LOGINS.has(kind)) {
      const why = `no reader for Zeek's ${kind} log`
      excludedWhy[why] = (excludedWhy[why] ?? 0) + log.rows.length
      continue
    }
    check(
      isCut ? read.refusals.length === 1 : read.refusals.length === 0,
      `refused: ${read.refusals.join('; ') || 'nothing'}`,
    )
    if (READ.has(kind)) compare(kind === 'conn' ? read.flows : read.hints, log, check)
  }
  const excluded = Object.values(excludedWhy).reduce((sum, n) => sum + n, 0)
  return { expected, passed, excluded, excludedWhy, failures, figures: { files: paths.length } }
}

/** Rows are matched by their ends and time; each row is one comparison. */
export function compare(said: readonly Said[], log: PlainLog, check: (isEqual: boolean, what: string) => void): void {
  const left = new Map<string, Said[]>()
  for (const one of said) left.set(keyOf(one), [...(left.get(keyOf(one)) ?? []), one])
  for (const row of log.rows) {
    const wanted = Object.fromEntries(Object.keys(row).map((name) => [name, expectedOf(row, name)]))
    const same = left.get(keyOf(wanted)) ?? []
    const differences = same.map((one) => differing(one, wanted, log))
    const at = differences.findIndex((names) => names.length === 0)
    if (at >= 0) same.splice(at, 1)
    check(
      at >= 0,
      same.length === 0 && at < 0
        ? `no row ${keyOf(wanted)}`
        : `row ${keyOf(wanted)} differs in ${differences[0]?.join(', ')}`,
    )
  }
}

const keyOf = (row: Said) =>
  ['ts', 'id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p'].map((name) => row[name]).join(' ')

const MAX_TEXT = 200
/** Long texts are cut on purpose, lists after 16. */
function differing(said: Said, wanted: Said, log: PlainLog): string[] {
  return Object.keys(said).filter((name) => {
    if (!log.fields.has(name)) return false
    const [is, should] = [said[name]!, wanted[name] ?? '']
    if (is === should || (is === '' && should === '')) return false
    if (name === 'duration') return Math.abs(Number(is) - Number(should)) > 0.0011
    if (name === 'answers') return is.split(',').slice(0, 16).join() !== should.split(',').slice(0, 16).join()
    return !(should.length > MAX_TEXT && is.endsWith('…') && should.startsWith(is.slice(0, -1)))
  })
}
