/**
 * Every format against what others say it holds: each set has a folder of samples with expectations, made by the program
 * whose format it is, and a file in formats/ that decodes and compares. `--data DIR` takes other sets of the same layout;
 * what is missing is left out and said so.
 */
import { existsSync } from 'node:fs'
import { DATA } from '../test/need.ts'
import type { RunSection, Section } from './formats/section.ts'
import { type Aim, aim, report } from './report.ts'

/** Name in the result → folder of its set and file here, of the same name if not said. */
const SETS: Readonly<Record<string, { readonly folder: string; readonly file?: string }>> = {
  netflow: { folder: 'netflow-ipfix' },
  zeek: { folder: 'zeek-pcap-to-conn' },
  suricata: { folder: 'suricata-verify' },
  ipfixprobe: { folder: 'ipfixprobe' },
  nfdump: { folder: 'nfdump' },
  zatZeekLogs: { folder: 'zat-zeek-logs', file: 'zat-zeek-logs' },
  zeekJson: { folder: 'zeek-json-all-fields', file: 'zeek-json' },
}
const MAX_LISTED = 40

export async function run(args: readonly string[]): Promise<void> {
  const root = folderOf(args)
  const figures: Record<string, Omit<Section, 'failures'>> = {}
  const aims: Record<string, Aim> = {}
  for (const [name, { folder, file = name }] of Object.entries(SETS)) {
    const path = `${root}/${folder}`
    const module = `${import.meta.dirname}/formats/${file}.ts`
    if (!existsSync(path)) {
      console.error(`${name}: left out, no folder ${path}`)
      continue
    }
    if (!existsSync(module)) {
      console.error(`${name}: left out, nothing here reads it yet`)
      continue
    }
    const { run: runSection }: { run?: RunSection } = await import(module)
    if (runSection === undefined) throw new Error(`bench/formats/${file}.ts exports no run(folder)`)
    const section = await runSection(path)
    if (section === null) {
      console.error(`${name}: left out, nothing in ${path} to compare`)
      continue
    }
    const { failures, ...counts } = section
    figures[name] = counts
    aims[`${name}_failed`] = aim(section.expected - section.passed, '==', 0)
    tell(name, section, failures)
  }
  report(args, 'formats', figures, aims)
}

function folderOf(args: readonly string[]): string {
  const at = args.indexOf('--data')
  const given = at < 0 ? DATA : (args[at + 1] ?? '')
  const inner = `${given}/formats`
  if (existsSync(inner)) return inner
  if (existsSync(given)) return given
  throw new Error(`there is no folder ${given}; give one with --data DIR, or set GUISE_DATA`)
}

function tell(name: string, section: Section, failures: readonly string[]): void {
  const excluded = section.excluded === undefined ? '' : `, ${section.excluded} excluded`
  console.error(`${name}: ${section.passed} of ${section.expected} equal${excluded}`)
  for (const [why, count] of Object.entries(section.excludedWhy ?? {})) console.error(`  excluded ${count}: ${why}`)
  for (const failure of failures.slice(0, MAX_LISTED)) console.error(`  NOT EQUAL ${failure}`)
  if (failures.length > MAX_LISTED) console.error(`  and ${failures.length - MAX_LISTED} more`)
}
