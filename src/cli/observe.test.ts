import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'guise-observe-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const HEADER =
  '#separator \\x09\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\torig_bytes\tresp_bytes\n'
const LISTED = '203.0.113.66'
const rows = Array.from(
  { length: 30 },
  (_, i) =>
    `${1_700_000_000 + i * 7}\t10.0.0.5\t${4_000 + i}\t198.51.100.${i}\t443\ttcp\tSF\t${300 + i * 37}\t${9_000 - i * 11}\n`,
)
writeFileSync(
  join(folder, 'conn.log'),
  `${HEADER}${rows.join('')}1700000300\t10.0.0.5\t5000\t${LISTED}\t443\ttcp\tSF\t100\t100\nbroken line\n`,
)
writeFileSync(join(folder, 'list.txt'), `${LISTED} 0\nnot an address\n`)

const PROGRAM = `import { Command } from 'commander'
import { register } from '${new URL('./observe.ts', import.meta.url)}'
const program = new Command('guise')
register(program)
await program.parseAsync(['node', 'guise', ...process.argv.slice(1)])`

/** Runs the command as the program does. */
function guise(...args: string[]): Promise<{ out: string; err: string; code: number }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '-e', PROGRAM, '--', ...args],
      { cwd: new URL('../..', import.meta.url).pathname, maxBuffer: 1 << 26 },
      (error, out, err) => resolve({ out, err, code: error === null ? 0 : Number(error.code) }),
    )
  })
}

test('--json: one line, sorted by risk, with belief, evidence and what was refused', async () => {
  const { out, code } = await guise('observe', folder, '--json', '--feed', join(folder, 'list.txt'))
  assert.equal(code, 0)
  assert.equal(out.trimEnd().split('\n').length, 1)
  const said = JSON.parse(out)
  assert.equal(said.flows, 31)
  assert.equal(said.refusedCount, 1)
  assert.equal(said.refused[0].line, 34)
  const [first] = said.workloads
  assert.equal(first.address, '10.0.0.5')
  const [evidence] = first.evidence
  assert.deepEqual(Object.keys(evidence).sort(), ['at', 'kind', 'peer', 'weight', 'why'])
  assert.deepEqual([evidence.kind, evidence.peer], ['blocklist', LISTED])
  for (const { belief, unknown } of said.workloads) {
    const sum = belief.reduce((total: number, { p }: { p: number }) => total + p, unknown)
    assert.ok(Math.abs(sum - 1) < 1e-6, `belief sums to ${sum}`)
  }
})

test('as a table, with the strongest reason; progress and refusals on stderr', async () => {
  const { out, err } = await guise('observe', join(folder, 'conn.log'), '--feed', join(folder, 'list.txt'))
  assert.match(out, /10\.0\.0\.5.*blocklist: called 203\.0\.113\.66/)
  assert.match(err, /31 flows from 1 file in/)
  assert.match(err, /conn\.log:34/)
  assert.match(err, /1 lines refused/)
})

test('--home-network says who is ours, again or with commas', async () => {
  const { out } = await guise(
    'observe',
    folder,
    '--json',
    '--home-network',
    '198.51.100.0/24',
    '--home-network',
    'fd00::/8,10.9.0.0/16',
  )
  assert.ok(JSON.parse(out).workloads.length >= 31)
})

test('mistakes are said with the cure', async () => {
  const wrong = await guise('observe', folder, '--home-network', '10.0.0.1/8')
  assert.notEqual(wrong.code, 0)
  assert.match(wrong.err, /zero host bits/)
  const nothing = await guise('observe', join(folder, 'nowhere'))
  assert.equal(nothing.code, 1)
  assert.match(nothing.err, /Nothing to read was found/)
  const feed = await guise('observe', folder, '--feed', join(folder, 'nowhere'))
  assert.equal(feed.code, 1)
  assert.match(feed.err, /cannot be read/)
})

test('other ways in: a mapping for CSV, a port to listen at; mistakes in them are said with the cure', async () => {
  const csv = join(folder, 'mine.csv')
  writeFileSync(csv, 'when,who,whom,what\n1700000000,10.0.0.5,198.51.100.1,tcp\n')
  const mapped = await guise('observe', csv, '--json', '--csv-map', 'start=when,source=who,target=whom,proto=what')
  const said = JSON.parse(mapped.out)
  assert.deepEqual([said.flows, said.sources], [1, [{ kind: 'csv', files: 1, rows: 1, hints: 0, refused: 0 }]])
  const heard = await guise('observe', '--json', '--listen', 'netflow=127.0.0.1:39155', '--for', '0.3')
  assert.deepEqual([heard.code, JSON.parse(heard.out).sources[0].kind], [0, 'netflow'])
  const mistakes = [
    [['observe'], /nothing to read\. Give files/],
    [['observe', csv, '--csv-map', 'sorce=who'], /"sorce", which is no field\. Fields are start/],
    [['observe', '--listen', 'sflow=1'], /no place to listen\. Write netflow=ADDRESS:PORT/],
    [['observe', csv, '--for', 'ever'], /no time\. Give seconds/],
  ] as const
  for (const [args, wanted] of mistakes) {
    const { code, err } = await guise(...args)
    assert.equal(code, 1)
    assert.match(err, wanted)
  }
})

test('what nobody can follow is refused at once, what is named twice is read once, nothing found prints no table', async () => {
  const csv = join(folder, 'other.csv')
  writeFileSync(csv, 'a,b\n1,2\n')
  const followed = await guise('observe', '--follow', csv, '--for', '5')
  assert.deepEqual([followed.code, /no log that is followed/.test(followed.err)], [1, true])
  const waiting = await guise('observe', '--follow', join(folder, 'later.log'), '--for', '0.2')
  assert.match(waiting.err, /later\.log, which is not there yet/)
  const twice = await guise('observe', '--json', join(folder, 'conn.log'), `${folder}/./conn.log`)
  assert.equal(JSON.parse(twice.out).flows, 31)
  const none = await guise('observe', csv)
  assert.deepEqual([none.code, none.out], [1, ''])
})

test('a mix of recordings that are years apart: each address at its highest risk, with its reason', async () => {
  const late = join(folder, 'late.log')
  writeFileSync(late, `${HEADER}1900000000\t10.0.0.9\t4000\t198.51.100.1\t443\ttcp\tSF\t300\t9000\n`)
  const args = ['observe', '--json', '--feed', join(folder, 'list.txt'), join(folder, 'conn.log')]
  const [alone, mixed] = [await guise(...args), await guise(...args, late)]
  const risk = (out: string) =>
    JSON.parse(out).workloads.find((one: { address: string }) => one.address === '10.0.0.5').risk
  assert.ok(risk(alone.out) > 0.1)
  assert.equal(risk(mixed.out).toFixed(6), risk(alone.out).toFixed(6))
})
