/** Who may import whom. A row per room, with its reason; the folders are the sentence, and this keeps it one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSources, room } from './sources.ts'

const ROWS: Record<string, { readonly may: readonly string[]; readonly why: string }> = {
  model: { may: [], why: 'the nouns stand alone, so that everything may stand on them' },
  netlink: { may: [], why: 'one raw socket primitive for observe and enforce; knows no noun' },
  observe: { may: ['model', 'netlink'], why: 'it turns sources into flows and windows; it draws no conclusion' },
  learn: { may: ['model'], why: 'pure: windows in, belief out, so it can be replayed' },
  assess: { may: ['model'], why: 'pure matching; what is fetched is fetched by observe' },
  decide: { may: ['model'], why: 'pure: context in, plan with reasons out' },
  compile: { may: ['model'], why: 'pure: desired state in, kernel text out' },
  rehearse: { may: ['model', 'decide', 'compile'], why: 'it runs the same decisions and the same rules on a copy' },
  enforce: { may: ['model', 'compile', 'netlink'], why: 'it makes no choices: plan in, kernel out' },
  store: { may: ['model'], why: 'rows and nouns only; it decides nothing' },
  stream: { may: ['model'], why: 'carries, does not look' },
  api: {
    may: ['model', 'store', 'decide', 'assess', 'learn', 'compile', 'stream'],
    why: 'reaches no driver: a compromised API cannot touch a kernel by itself',
  },
  cli: {
    may: ['model', 'observe', 'learn', 'assess', 'decide', 'compile', 'enforce'],
    why: 'a client of the API; offline commands (observe, policy, panic, verify) use the pure core and enforce',
  },
  server: {
    may: ['model', 'store', 'stream', 'api', 'learn', 'assess', 'decide', 'compile', 'observe', 'rehearse'],
    why: 'composition root of the unprivileged side',
  },
  agent: {
    may: ['model', 'observe', 'assess', 'compile', 'enforce', 'netlink'],
    why: 'composition root that is root: it never reaches store, learn, decide or api',
  },
  web: { may: ['model'], why: 'a client of the API; shares the nouns' },
}

/** Starting the composition roots, and the lab, is what these commands are for. */
const STARTS_ROOTS = ['src/cli/up.ts', 'src/cli/agent-start.ts', 'src/cli/supervisor-argv.ts', 'src/cli/lab.ts']
/** The composition roots may be split over a folder of their own. */
const ANYTHING = new Set(['lab', 'sim', 'bench', 'test', 'guest'])

test('every import goes where the table allows', () => {
  const wrong: string[] = []
  for (const source of readSources()) {
    const from = room(source.path)
    if (ANYTHING.has(from) || source.path.endsWith('.test.ts') || source.path.endsWith('.test.tsx')) continue
    const row = ROWS[from]
    assert.ok(row, `${source.path}: no row for ${from} in the layer table; add one with its reason`)
    for (const target of source.imports) {
      if (!/^(src|web|lab|sim|bench|test|guest)\//.test(target)) continue
      const to = room(target)
      if (to === from || row.may.includes(to) || STARTS_ROOTS.includes(source.path)) continue
      wrong.push(
        `${source.path} imports ${target}: ${from} may import ${row.may.join(', ') || 'nothing of ours'} (${row.why})`,
      )
    }
  }
  assert.deepEqual(wrong, [])
})

test('the pure core takes time, seed and randomness as arguments and does no I/O', () => {
  const pure = /^src\/(model|learn|assess|decide|compile|observe\/reduce)\//
  const banned = [
    /\bDate\.now\(/,
    /\bnew Date\(\)/,
    /\bMath\.random\(/,
    /from 'node:(fs|net|http|child_process|dgram|timers)/,
    /\bsetTimeout\(/,
    /\bperformance\.now\(/,
  ]
  const wrong = readSources()
    .filter((s) => pure.test(s.path) && !/\.test\.ts$/.test(s.path))
    .flatMap((s) => banned.filter((rule) => rule.test(s.text)).map((rule) => `${s.path}: ${rule.source}`))
  assert.deepEqual(wrong, [])
})
