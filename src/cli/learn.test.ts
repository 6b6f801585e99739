import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ethernet, pcapFile, udp } from '../../test/pcap-writer.ts'
import { parseForest } from '../learn/forest.ts'
import { DEFAULT_SETTINGS, fitRecogniser } from '../learn/recognise/fit-recogniser.ts'
import { verdictOf } from '../learn/recognise/recognise.ts'
import { readLabelled } from './learn-examples.ts'

const MAIN = new URL('./main.ts', import.meta.url).pathname
const MAC = '00:00:00:00:00:07'
const ENDS = { from: '10.0.0.7', to: '10.0.0.1' }

/** A device that sends datagrams of one size to one port, `nth` many of them. */
function capture(port: number, size: number, nth: number): Uint8Array {
  return pcapFile(
    Array.from({ length: 6 + nth }, (_, i) => {
      const bytes = ethernet(udp({ ...ENDS, toPort: port }, 'x'.repeat(size + (i % 3))))
      bytes.set([0, 0, 0, 0, 0, 1], 0)
      bytes.set([0, 0, 0, 0, 0, 7], 6)
      return { atMs: 1_000_000 + i * 100, bytes }
    }),
  )
}

function makeData(dir: string, from: number): void {
  for (const [folder, port, size] of [
    ['clock', 123, 48],
    ['camera 1', 554, 300],
    ['camera 2', 554, 300],
  ] as const) {
    mkdirSync(join(dir, folder), { recursive: true })
    writeFileSync(join(dir, folder, 'mac.txt'), `${MAC}\n`)
    for (let i = from; i < from + 4; i++) writeFileSync(join(dir, folder, `${i}.pcap`), capture(port, size, i))
  }
}

test('train writes a model, evaluate judges it by types.json that it was learnt with; faults say what to do', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'guise-learn-'))
  try {
    const [known, others] = [join(dir, 'known'), join(dir, 'others')]
    makeData(known, 0)
    makeData(others, 4)
    writeFileSync(join(known, 'types.json'), '{"camera 1": "camera", "camera 2": "camera"}')
    const run = (...args: string[]) =>
      execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'learn', ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    const model = join(dir, 'model.json')
    const trained = JSON.parse(run('train', '--labelled', known, '--out', model, '--json'))
    assert.deepEqual(
      { types: trained.types, examples: trained.examples, left: trained.left },
      { types: 2, examples: 12, left: 0 },
    )
    const judged = JSON.parse(run('evaluate', '--model', model, '--labelled', others, '--json'))
    assert.deepEqual(Object.keys(judged), ['accuracy', 'macro_f1', 'ece', 'abstained', 'confusion'])
    assert.deepEqual({ accuracy: judged.accuracy, confusion: judged.confusion }, { accuracy: 1, confusion: {} })
    assert.match(run('evaluate', '--model', model, '--labelled', others), /accuracy 100.0 %/)
    assert.equal((await readLabelled(others)).hash, (await readLabelled(others, { clock: 'watch' })).hash)

    const empty = join(dir, 'empty')
    mkdirSync(join(empty, 'camera'), { recursive: true })
    const faults: [RegExp, string[]][] = [
      [/There is no folder/, ['train', '--labelled', join(dir, 'none'), '--out', model]],
      [/There is no capture/, ['train', '--labelled', empty, '--out', model]],
      [/cannot be written \(ENOENT\)/, ['train', '--labelled', known, '--out', join(dir, 'no', 'model')]],
      [/no whole number/, ['train', '--labelled', known, '--out', model, '--seed', 'x']],
      [/cannot be used: ENOENT/, ['evaluate', '--model', join(dir, 'none'), '--labelled', others]],
      [/guise learn train/, ['evaluate', '--model', join(known, 'types.json'), '--labelled', others]],
    ]
    writeFileSync(join(others, 'types.json'), '{broken')
    faults.push([/types.json is no .*Correct it/, ['evaluate', '--model', model, '--labelled', others]])
    for (const [why, args] of faults) assert.throws(() => run(...args), why)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('what cannot be read counts as not told, with its reason; a capture that breaks off is read as far as it goes', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'guise-learn-'))
  try {
    makeData(dir, 0)
    const whole = capture(123, 48, 5)
    writeFileSync(join(dir, 'clock', 'empty.pcap'), '')
    writeFileSync(join(dir, 'clock', 'text.pcap.gz'), 'this is no capture at all, and no gzip either')
    writeFileSync(join(dir, 'clock', 'torn.pcap'), whole.subarray(0, whole.length - 20))
    const { examples, left, cut } = await readLabelled(dir)
    assert.deepEqual(
      left.map(({ type, source, why }) => `${type} ${source}: ${why}`),
      [
        'clock clock/empty.pcap: an empty file',
        'clock clock/text.pcap.gz: neither pcap nor pcapng: no such magic number',
      ],
    )
    assert.deepEqual(cut, ['clock/torn.pcap: ends inside a record: its last 87 bytes are no whole one'])
    assert.equal(examples.length, 13)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

const CONN = [
  'ts',
  'uid',
  'id.orig_h',
  'id.orig_p',
  'id.resp_h',
  'id.resp_p',
  'proto',
  'service',
  'duration',
  'orig_bytes',
  'resp_bytes',
  'conn_state',
]

function zeekLog(port: number, service: string, rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) =>
    [
      1_700_000_000 + 9 * i,
      `C${i}`,
      '10.0.0.7',
      40_000 + i,
      '192.0.2.9',
      port,
      'tcp',
      service,
      0.5,
      200 + i,
      4_000,
      'SF',
    ].join('\t'),
  )
  return ['#separator \\x09', '#path\tconn', `#fields\t${CONN.join('\t')}`, ...lines, ''].join('\n')
}

test('logs are learnt from, too: one alone, those that belong together, or a folder of them', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'guise-learn-'))
  try {
    for (const [folder, port, service] of [
      ['mailer', 25, 'smtp'],
      ['browser', 443, 'ssl'],
    ] as const) {
      mkdirSync(join(dir, folder, 'day 3'), { recursive: true })
      for (const [i, name] of ['conn.log', 'east_conn.log', 'west_conn.log', 'day 3/conn.log'].entries())
        writeFileSync(join(dir, folder, name), zeekLog(port, service, 20 + i))
      writeFileSync(join(dir, folder, 'east_files.log'), 'a log that says nothing of who it is')
      writeFileSync(join(dir, folder, 'ip.txt'), '10.0.0.7\n')
    }
    const { examples, left } = await readLabelled(dir)
    assert.deepEqual(left, [])
    assert.deepEqual(
      examples.filter(({ type }) => type === 'mailer').map(({ source }) => source),
      ['mailer/conn.log', 'mailer/day 3', 'mailer/east_conn.log', 'mailer/west_conn.log'],
    )
    const { types, ...fitted } = fitRecogniser(examples, { ...DEFAULT_SETTINGS, trees: 20 })
    const recogniser = { ...fitted, types, forest: parseForest(fitted.forest, types.length) }
    for (const { type, ages } of examples) assert.equal(verdictOf(recogniser, type, ages.at(-1)!).guess, type)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
