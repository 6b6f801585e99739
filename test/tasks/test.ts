/**
 * `npm test`: the repository's rules, then every *.test.ts in three lines beside each other: whole installations, which take
 * longest, and behind them what works on the kernel; what needs a browser; and the rest, of which the files of the pure rooms
 * share one process. The line that is through first takes from the others: each has names of its own. (Four lines take as long
 * on two processors, and make bounds in seconds too short.)
 * What measures comes after them, alone. Arguments are globs to run instead. As root, a skipped kernel or browser test fails the run:
 * a skip must not pass for a pass where the test could have run. Tests of outside data may skip anywhere. A file that failed
 * is run once more when all are through, and alone: bounds in seconds are about what it tests, not about its neighbours, nor
 * about a minute in which another machine had the processors. What it says then counts, and that it was asked twice is said at the end, beside the slowest files.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { makeTemplate } from '../database.ts'
import { endWhenSilent } from './silence.ts'

const root = new URL('../..', import.meta.url).pathname
const globs = process.argv.slice(2).filter((arg) => !arg.startsWith('--'))
process.chdir(root)

if (globs.length === 0) {
  const check = spawnSync(process.execPath, ['test/tasks/check.ts'], { stdio: 'inherit' })
  if (check.status !== 0) process.exit(check.status ?? 1)
}

// The rules have run with the check; documentation and libvirt have steps of their own (`npm run docs -- test`, `npm run libvirt`).
const found = globSync(globs.length > 0 ? globs : ['{src,lab,sim,bench,test,web,guest}/**/*.test.ts'], {
  exclude: (path) =>
    path.includes('node_modules') || (globs.length === 0 && /^test\/(rules|docs|libvirt)(\/|$)/.test(path)),
}).sort()

type Kind = 'measuring' | 'installation' | 'kernel' | 'browser' | 'pure' | 'other'
const PURE = /^src\/(model|learn|assess|decide|compile|observe)\//
/** Loads the files of GUISE_TOGETHER. */
const TOGETHER = 'test/tasks/together.ts'

function kindOf(file: string): Kind {
  const text = readFileSync(file, 'utf8')
  if (/\brecordTasks\(/.test(text)) return 'measuring'
  if (/\binstall\(/.test(text)) return 'installation'
  if (/\bneed(Root|Qemu)\(/.test(text)) return 'kernel'
  if (/\bneedBrowser\(/.test(text)) return 'browser'
  return PURE.test(file) ? 'pure' : 'other'
}
const kinds = Map.groupBy(found, kindOf)
/** A list to take from. */
const ofKind = (kind: Kind): string[] => [...(kinds.get(kind) ?? [])]

const asRoot = process.getuid?.() === 0
type Counts = { passed: number; failed: number; skipped: number; readonly wrongSkips: string[] }
const total: Counts = { passed: 0, failed: 0, skipped: 0, wrongSkips: [] }
const seconds = new Map<string, number>()

/** The longest test says nothing for two minutes, on processors that others use as well for five. */
const SILENT_MS = 400_000

async function pass(file: string): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0, wrongSkips: [] }
  const stream = run({
    files: [file],
    concurrency: 1,
    timeout: 600_000,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  stream.on('test:pass', (event) => {
    if (event.details.type === 'suite') return
    if (event.skip !== undefined) {
      counts.skipped++
      const why = typeof event.skip === 'string' ? event.skip : 'no reason given'
      if (asRoot && !why.startsWith('data not available')) counts.wrongSkips.push(`${event.name}: ${why}`)
    } else counts.passed++
  })
  stream.on('test:fail', (event) => {
    if (event.details.type !== 'suite') counts.failed++
  })
  stream.on('test:summary', (event) => {
    if (event.file !== undefined) seconds.set(relative(root, event.file), event.duration_ms / 1000)
  })
  const silence = endWhenSilent(file, SILENT_MS, (ended) => {
    counts.failed++
    console.log(`${file} said nothing for ${SILENT_MS / 1000} s: ended with all it started (${ended.length} processes)`)
  })
  const report = Readable.from(withoutCounts(stream, silence.heard)).compose(new spec())
  report.pipe(process.stdout, { end: false })
  await finished(report)
  silence.stop()
  return counts
}

function add({ passed, failed, skipped, wrongSkips }: Counts): void {
  total.passed += passed
  total.failed += failed
  total.skipped += skipped
  total.wrongSkips.push(...wrongSkips)
}

/** Counted over all files at the end, not for each. */
async function* withoutCounts(events: AsyncIterable<TestEvent>, heard: () => void): AsyncGenerator<TestEvent> {
  for await (const event of events) {
    heard()
    if (event.type !== 'test:diagnostic' || event.data.nesting > 0) yield event
  }
}

/** Those that failed. */
const again: string[] = []

/** One list after the other; two lines may share one. */
async function passAll(...lists: readonly string[][]): Promise<void> {
  for (const list of lists)
    for (let file = list.shift(); file !== undefined; file = list.shift()) {
      const counts = await pass(file)
      if (counts.failed > 0) again.push(file)
      else add(counts)
    }
}

// Each file is a process that loads much of what the others load.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/compiled')
const began = performance.now()
if (globs.length === 0) {
  const template = mkdtempSync(join(tmpdir(), 'guise-template-'))
  process.once('exit', () => rmSync(template, { recursive: true, force: true }))
  // The database's user walks through it.
  chmodSync(template, 0o711)
  await makeTemplate(template)
  process.env.GUISE_TEST_DATABASE = template
}
process.env.GUISE_TOGETHER = ofKind('pure').join('\n')
const onKernel = ofKind('kernel')
const inBrowser = ofKind('browser')
const rest = [...(kinds.has('pure') ? [TOGETHER] : []), ...ofKind('other')]
await Promise.all([
  passAll(ofKind('installation'), onKernel, rest, inBrowser),
  passAll(inBrowser, rest, onKernel),
  passAll(rest, inBrowser, onKernel),
])
await passAll(ofKind('measuring'))
const twice = [...again]
for (const file of twice) add(await pass(file))

const byKind = [...kinds].map(([kind, files]) => {
  const sum = files.reduce(
    (all, file) => all + (seconds.get(file) ?? 0),
    kind === 'pure' ? (seconds.get(TOGETHER) ?? 0) : 0,
  )
  return `${kind} ${Math.round(sum)} s`
})
console.log(`by kind: ${byKind.join(', ')}`)
const slowest = [...seconds].sort((a, b) => b[1] - a[1]).slice(0, 10)
console.log(`slowest files: ${slowest.map(([file, s]) => `${file} ${s.toFixed(1)} s`).join(', ')}`)
if (twice.length > 0) console.log(`run again, alone, for they failed: ${twice.join(', ')}`)
for (const skip of total.wrongSkips) console.log(`skipped as root, which fails the run: ${skip}`)
const failed = total.failed + total.wrongSkips.length
const took = Math.round((performance.now() - began) / 1000)
console.log(`${total.passed} passed, ${failed} failed, ${total.skipped} skipped in ${took} s`)
// A reporter that saw a failure has set it already, also where the file passed alone.
process.exitCode = failed > 0 || total.passed === 0 ? 1 : 0
