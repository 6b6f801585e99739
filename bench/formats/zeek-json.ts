/** formats/zeek-json-all-fields: logs with every field there can be, as JSON lines; each row equal to the file field by field. */
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { plainLog, readLog, textOf } from './plain-logs.ts'
import type { RunSection } from './section.ts'
import { compare } from './zat-zeek-logs.ts'

export const run: RunSection = async (folder) => {
  const paths = globSync(`${folder}/*.log`).sort()
  if (paths.length === 0) return null
  const failures: string[] = []
  let expected = 0
  let passed = 0
  for (const path of paths) {
    const log = plainLog(textOf(path))
    const read = await readLog(path)
    const check = (isEqual: boolean, what: string) => {
      expected++
      if (isEqual) passed++
      else failures.push(`${basename(path)}: ${what}`)
    }
    check(read.refusals.length === 0, `refused: ${read.refusals.join('; ')}`)
    compare(/conn/.test(log.path) ? read.flows : read.hints, log, check)
  }
  return { expected, passed, failures, figures: { files: paths.length } }
}
