/**
 * The shipped model where it was not made: on hosts of other people's captures it must be right or abstain (believed at
 * p ≥ 0.8 and wrong: at most one host in twenty, all captures together). Then three attack families, each kept entirely out
 * of what a model of the same kind learns of `Compromised`: how many of its hosts, of labs that model never saw, are still
 * told, abstained from, or taken for a harmless persona. `--data DIR` is the data folder.
 */
import { existsSync } from 'node:fs'
import { ATTACKS } from '../lab/attack.ts'
import { readRuns } from '../lab/dataset.ts'
import { CAPTURES, mistakenOf, strangers } from '../lab/strangers.ts'
import { DATA } from '../test/need.ts'
import { aim, report } from './report.ts'
import { heldOut } from './strangers/held-out.ts'

export async function run(args: readonly string[]): Promise<void> {
  const at = args.indexOf('--data')
  const data = at < 0 ? DATA : (args[at + 1] ?? '')
  const captures = await judgeCaptures(data)
  const figures = {
    ...captures,
    families: Object.fromEntries(ATTACKS.map((family) => [family, heldOut(readRuns().runs, family)])),
  }
  for (const [family, told] of Object.entries(figures.families)) console.error(family.padEnd(24), told)
  report(args, 'strangers', figures, { wrong: aim(captures.wrong, '<=', 0.05) })
}

async function judgeCaptures(data: string) {
  const sum = { hosts: 0, believed: 0, mistaken: 0 }
  for (const [path, { may }] of Object.entries(CAPTURES)) {
    if (!existsSync(`${data}/${path}`)) throw new Error(`no ${path} in ${data}: say where the data is by --data DIR`)
    const { hosts, believed } = await strangers(`${data}/${path}`)
    const mistaken = mistakenOf(believed, may)
    sum.hosts += hosts
    sum.believed += believed.size
    sum.mistaken += mistaken.length
    console.error(`${path.padEnd(72)} ${hosts} hosts, ${believed.size} believed, ${mistaken.length} wrong`)
    for (const one of mistaken) console.error(`  ${one}`)
  }
  return { ...sum, wrong: Number((sum.mistaken / sum.hosts).toFixed(4)) }
}
