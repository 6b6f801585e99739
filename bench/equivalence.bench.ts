/**
 * `npm run bench -- equivalence [--json] [--sets N] [--seed N]`: random policy sets, loaded one after the other into a
 * router namespace, and real packets through each: what arrives, and what is told of a refusal, against the slow
 * evaluator. Then edits of policies that break somebody's conversations, against what the preview lists. Needs root.
 */
import { parseArgs } from 'node:util'
import { needRoot } from '../test/need.ts'
import { Network } from './dispatch/network.ts'
import { plantEdits } from './equivalence/planted.ts'
import { walk } from './equivalence/scenario.ts'
import { Loading } from './policy/space.ts'
import { aim, report } from './report.ts'

/** Whatever the machine does meanwhile, this ends; fewer sets than asked for then miss their aim. */
const BUDGET_MS = 200_000

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      sets: { type: 'string', default: '300' },
      seed: { type: 'string', default: '1' },
    },
  })
  const missing = needRoot()
  if (missing !== false) throw new Error(`equivalence ${missing}`)
  const { planted, planted_listed, planted_false, missed } = plantEdits()
  for (const text of missed) console.error(`NOT AS PLANTED ${text}`)
  const network = await Network.create('q', [3, 4])
  const loading = Loading.join(network.router)
  try {
    const { examples, ...tally } = await walk(network, (text) => loading.load('quickest', text), {
      seed: Number(values.seed),
      sets: Number(values.sets),
      budgetMs: BUDGET_MS,
    })
    for (const example of examples.slice(0, 50)) console.error(`MISMATCH ${example}`)
    report(
      args,
      'equivalence',
      { ...tally, planted, planted_listed, planted_false },
      {
        sets: aim(tally.sets, '>=', 300),
        packets: aim(tally.packets, '>=', 10_000),
        mismatches: aim(tally.mismatches, '==', 0),
        planted_listed: aim(planted_listed, '==', 20),
        planted_false: aim(planted_false, '==', 0),
      },
    )
  } finally {
    await loading.close()
    await network.close()
  }
}
