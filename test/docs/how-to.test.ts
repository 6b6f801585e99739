/**
 * Every command in the documentation, on a real installation with the lab, in the order of the pages: it ends as the page
 * says, and prints what the page shows. One installation; the pages leave it as a reader would.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Installation, install, until } from '../e2e/installation.ts'
import { needRoot } from '../need.ts'
import { type Block, missing, readScript, words } from './script.ts'

const skip = needRoot()
const ROOT = new URL('../..', import.meta.url).pathname
process.env.GUISE_LAB_PREFIX = `gd${process.pid % 10_000}`

/** Thefts are judged by a minute of history, so pages with one come late; what panic takes off would be missed by others. */
const LATE = [
  'docs/quick-start.md',
  'docs/how-to/find-out-why.md',
  'docs/how-to/release-a-containment.md',
  'docs/how-to/panic.md',
]
const PAGES = globSync('docs/how-to/*.md', { cwd: ROOT })
  .sort()
  .filter((page) => !page.endsWith('/index.md') && !LATE.includes(page))
  .concat(LATE)

let guise: Installation
let folder = ''
let env: Record<string, string> = {}
before(async () => {
  if (skip !== false) return
  guise = await install({ lab: 'with-lab' })
  folder = join(dirname(guise.home), 'reader')
  mkdirSync(folder)
  // A reader stands in the clone; what he writes there should not land in ours.
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true })
  env = {
    ...(process.env as Record<string, string>),
    GUISE_HOME: guise.home,
    GUISE_SERVER: guise.base,
    GUISE_LAB_DIR: join(dirname(guise.home), 'lab'),
    GUISE_AGENT_HOME: `${guise.home}-agent`,
  }
  await until('ten workloads in a confirmed generation', 60_000, async () => {
    const { items } = await guise.get<{ items: { worn: unknown }[] }>('/v1/workloads')
    return items.length >= 10 && items.every((one) => one.worn !== null)
  })
})
after(async () => {
  if (skip !== false) return
  await guise?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

type Ran = { readonly code: number; readonly printed: string }

async function run(line: string): Promise<Ran> {
  const [program = '', ...args] = await Promise.all(words(line, env).map(stand))
  const argv =
    program === 'guise'
      ? [process.execPath, '--disable-warning=ExperimentalWarning', join(ROOT, 'src/cli/main.ts'), ...args]
      : [program, ...args]
  const child = spawn(argv[0]!, argv.slice(1), { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text))
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve(status ?? 1))
  })
  return { code, printed }
}

/** Ids that a reader would copy from the line before. */
async function stand(word: string): Promise<string> {
  if (word === '/var/lib/guise-agent') return env.GUISE_AGENT_HOME!
  if (word === 'gen_before') return String(await generationBefore())
  if (word !== 'p_newest' && word !== 'p_containment') return word
  const { items } = await guise.get<{
    items: { id?: string; plan?: { id: string; direction: string }; direction?: string }[]
  }>('/v1/plans?limit=50')
  const found = items.find((one) => word === 'p_newest' || (one.direction ?? one.plan?.direction) === 'containment')
  const id = found?.id ?? found?.plan?.id
  if (id === undefined) throw new Error(`no plan to stand for ${word}`)
  return id
}

/** The one that was in force before the newest that was confirmed. */
async function generationBefore(): Promise<number> {
  const { items } = await guise.get<{ items: { plan: { generation: { n: number } } }[] }>('/v1/plans?state=confirmed')
  const before = items[1]?.plan.generation.n
  if (before === undefined) throw new Error('no generation was in force before this one')
  return before
}

async function runBlock(block: Extract<Block, { kind: 'commands' }>, page: string): Promise<void> {
  if (block.how.run === 'no') return
  let printed = ''
  for (const line of block.lines) {
    const at = `${page}:${block.line} ${line}`
    const ended = performance.now() + (block.how.run === 'until' ? block.how.seconds * 1_000 : 0)
    for (;;) {
      const ran = await run(line)
      if (block.how.run === 'until' && !ran.printed.includes(block.how.text)) {
        assert.ok(performance.now() < ended, `${at}: "${block.how.text}" was not printed in time:\n${ran.printed}`)
        await wait(500)
        continue
      }
      assert.equal(ran.code, block.how.run === 'once' ? block.how.exit : 0, `${at}\n${ran.printed}`)
      printed += ran.printed
      break
    }
    const token = /^guise_[\w-]+$/m.exec(printed)?.[0]
    if (token !== undefined) env.GUISE_READER_TOKEN = token
  }
  const lacking = block.prints === null ? null : missing(printed, block.prints)
  assert.equal(lacking, null, `${page}:${block.line} does not print this any more; it prints:\n${printed}`)
}

for (const page of PAGES) {
  test(page, { skip, timeout: 120_000 }, async () => {
    const blocks = readScript(readFileSync(join(ROOT, page), 'utf8'))
    assert.ok(
      blocks.some((block) => block.kind === 'commands'),
      'a page without a command',
    )
    for (const block of blocks) {
      if (block.kind === 'file') writeFileSync(join(folder, block.name), block.text)
      else await runBlock(block, page)
    }
  })
}
