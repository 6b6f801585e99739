import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ethernet, pcapFile, udp } from '../../test/pcap-writer.ts'
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
      [/no whole number/, ['train', '--labelled', known, '--out', model, '--seed', 'x']],
      [/cannot be used: ENOENT/, ['evaluate', '--model', join(dir, 'none'), '--labelled', others]],
      [/guise learn train/, ['evaluate', '--model', join(known, 'types.json'), '--labelled', others]],
    ]
    for (const [why, args] of faults) assert.throws(() => run(...args), why)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
