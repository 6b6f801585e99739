import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { DATA, needData } from '../../../test/need.ts'
import { ethernet, pcapFile, tcp } from '../../../test/pcap-writer.ts'
import { FLOW_STATES, type FlowBatch, Mark } from '../../model/flow.ts'
import { createServiceNames } from '../source.ts'
import { createPcapSource } from './pcap.ts'

const signal = () => new AbortController().signal
const SYNS = Array.from({ length: 10_000 }, (_, i) => ({
  atMs: 1_700_000_000_000 + i * 10,
  bytes: ethernet(tcp({ from: '10.0.0.9', to: `10.1.${i >> 8}.${i & 255}`, flags: 'S', seq: i, toPort: 22 })),
}))

async function rowsOf(
  batches: AsyncIterable<FlowBatch>,
): Promise<{ rows: number; states: Set<string>; targets: Set<number> }> {
  const states = new Set<string>()
  const targets = new Set<number>()
  let rows = 0
  for await (const batch of batches) {
    rows += batch.count
    for (let row = 0; row < batch.count; row++) {
      states.add(FLOW_STATES[batch.state[row]!]!)
      targets.add(batch.target[row * 4 + 3]!)
    }
  }
  return { rows, states, targets }
}

test('a scan of ten thousand hosts becomes as many rows, from a file, gzipped, or a stream', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-pcap-'))
  try {
    const file = pcapFile(SYNS)
    writeFileSync(join(folder, 'a.pcap'), file)
    writeFileSync(join(folder, 'no-name-that-tells'), gzipSync(file))
    async function* stream() {
      for (let at = 0; at < file.length; at += 65_536) yield file.subarray(at, at + 65_536)
    }
    for (const from of [
      join(folder, 'a.pcap'),
      join(folder, 'no-name-that-tells'),
      { name: 'stream', chunks: stream() },
    ]) {
      const source = createPcapSource({ from, services: createServiceNames() })
      const { rows, states, targets } = await rowsOf(source.batches(signal()))
      assert.equal(rows, SYNS.length)
      assert.equal(targets.size, SYNS.length)
      assert.deepEqual([...states], ['S0'])
      assert.equal(source.counters.rows, SYNS.length)
      assert.equal(source.counters.read, SYNS.length)
      assert.equal(source.counters.refused, 0)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a capture that breaks off keeps what was read, and says so', async () => {
  const file = pcapFile(SYNS.slice(0, 10))
  async function* stream() {
    yield file.subarray(0, file.length - 5)
  }
  const source = createPcapSource({ from: { name: 'cut', chunks: stream() }, services: createServiceNames() })
  assert.equal((await rowsOf(source.batches(signal()))).rows, 9)
  assert.match(source.counters.refusals[0]!.why, /ends inside a record/)
})

test('a file that is no capture, and one that is not there', async () => {
  async function* stream() {
    yield new Uint8Array(100).fill(1)
  }
  for (const from of [{ name: 'noise', chunks: stream() }, '/nowhere/at/all.pcap']) {
    const source = createPcapSource({ from, services: createServiceNames() })
    assert.equal((await rowsOf(source.batches(signal()))).rows, 0)
    assert.equal(source.counters.refused, 1)
  }
})

test('an answered connection is one nobody forged', async () => {
  const client = { from: '10.0.0.1', to: '10.0.0.2' }
  const server = { from: '10.0.0.2', to: '10.0.0.1', fromPort: 80, toPort: 40_000 }
  const parts = [
    tcp({ ...client, flags: 'S', seq: 1 }),
    tcp({ ...server, flags: 'SA', seq: 1, ack: 2 }),
    tcp({ ...client, flags: 'A', seq: 2, ack: 2 }),
  ]
  const file = pcapFile(parts.map((bytes, i) => ({ atMs: 1_700_000_000_000 + i, bytes: ethernet(bytes) })))
  async function* stream() {
    yield file
  }
  const source = createPcapSource({ from: { name: 'x', chunks: stream() }, services: createServiceNames() })
  for await (const batch of source.batches(signal())) {
    assert.equal(batch.marks[0]! & Mark.handshake, Mark.handshake)
    assert.equal(batch.bytesOut[0], 80)
    assert.equal(batch.packetsOut[0], 2)
    assert.equal(batch.start[0], 1_700_000_000_000)
    assert.equal(batch.end[0], 1_700_000_000_002)
  }
})

const SLIPS = 'flows/slips/test-cc/test-cc-capture-1.pcap.gz'
test('a command-and-control capture is read whole, with every hello', { skip: needData(SLIPS) }, async () => {
  const source = createPcapSource({ from: `${DATA}/${SLIPS}`, services: createServiceNames() })
  const prints = new Set<string>()
  let rows = 0
  for await (const batch of source.batches(signal())) {
    rows += batch.count
    for (const hint of batch.hints) if (hint.kind === 'tls') prints.add(hint.ja3)
  }
  assert.equal(source.packets.packets, 7_931)
  assert.equal(source.counters.refused, 0)
  assert.equal(rows, 299)
  assert.ok(prints.size >= 1 && prints.size < 20)
})
