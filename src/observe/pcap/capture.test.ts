import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { DATA, needData } from '../../../test/need.ts'
import { concat, ethernet, type Frame, pcapFile, pcapngFile, udp } from '../../../test/pcap-writer.ts'
import { DecodeError, type Reader } from '../reader.ts'
import { createCapture } from './capture.ts'
import { conversations } from './conversations.fixture.ts'

const FRAMES: readonly Frame[] = [0, 1, 2].map((i) => ({
  atMs: 1_700_000_000_000 + i * 1_000 + 0.25,
  bytes: ethernet(udp({ from: '10.0.0.1', to: '10.0.0.2', fromPort: 7, toPort: 8 }, 'x'.repeat(10 + i))),
}))

type Seen = { readonly atMs: number; readonly bytes: number; readonly linkType: number; readonly cut: number }
function read(
  file: Uint8Array,
  chunkBytes = file.length || 1,
): { seen: Seen[]; refused: string[]; rest: string | null } {
  const seen: Seen[] = []
  const refused: string[] = []
  const capture = createCapture({
    packet: (reader: Reader, atMs, linkType, cut) => seen.push({ atMs, bytes: reader.left, linkType, cut }),
    refused: (why) => refused.push(why),
  })
  for (let at = 0; at < file.length; at += chunkBytes) capture.push(file.slice(at, at + chunkBytes))
  return { seen, refused, rest: capture.end() }
}

const FILES: Readonly<Record<string, Uint8Array>> = {
  'pcap, little endian': pcapFile(FRAMES),
  'pcap, big endian': pcapFile(FRAMES, { order: 'big' }),
  'pcap, nanoseconds': pcapFile(FRAMES, { clock: 'nano' }),
  'pcapng, little endian': pcapngFile(FRAMES),
  'pcapng, big endian': pcapngFile(FRAMES, { order: 'big' }),
  'pcapng, two sections of different order': concat([
    pcapngFile(FRAMES.slice(0, 1)),
    pcapngFile(FRAMES.slice(1), { order: 'big' }),
  ]),
}

for (const [name, file] of Object.entries(FILES)) {
  test(`${name}: every packet with its time`, () => {
    const { seen, refused, rest } = read(file)
    assert.deepEqual(refused, [])
    assert.equal(rest, null)
    assert.deepEqual(
      seen.map(({ bytes }) => bytes),
      FRAMES.map(({ bytes }) => bytes.length),
    )
    for (const [i, { atMs, linkType, cut }] of seen.entries()) {
      assert.ok(Math.abs(atMs - FRAMES[i]!.atMs) < 0.001, `${atMs}`)
      assert.equal(linkType, 1)
      assert.equal(cut, 0)
    }
    assert.deepEqual(read(file, 1).seen, seen)
  })

  test(`${name}: cut off anywhere, what came before is kept and the end is told`, () => {
    const whole = read(file).seen
    for (let length = 0; length < file.length; length++) {
      const { seen, rest } = read(file.slice(0, length))
      assert.deepEqual(seen, whole.slice(0, seen.length))
      if (seen.length === whole.length) continue
      assert.ok(rest !== null || seen.length < whole.length)
    }
  })
}

test('a record of absurd length stops the reading, what came before it is kept', () => {
  const file = pcapFile(FRAMES)
  new DataView(file.buffer).setUint32(24 + 16 + FRAMES[0]!.bytes.length + 8, 0x7fffffff, true)
  const seen: number[] = []
  const capture = createCapture({ packet: (reader) => seen.push(reader.left), refused: assert.fail })
  assert.throws(() => capture.push(file), DecodeError)
  assert.equal(seen.length, 1)
})

test('blocks that lie about their length, or name an interface nobody described', () => {
  const file = pcapngFile(FRAMES)
  const view = new DataView(file.buffer)
  const second = 28 + 20
  view.setUint32(second + 4, 13, true)
  assert.throws(() => read(file), /a block of 13 bytes/)
  const other = pcapngFile(FRAMES)
  // Behind section, interface and the unknown block stands the first packet; its interface is its first field.
  new DataView(other.buffer).setUint32(28 + 20 + 20 + 8, 9, true)
  const { seen, refused } = read(other)
  assert.equal(seen.length, 2)
  assert.match(refused[0]!, /interface 9/)
})

test('neither pcap nor pcapng', () => {
  assert.throws(() => read(new Uint8Array(64).fill(7)), /neither pcap nor pcapng/)
  assert.equal(read(new Uint8Array(0)).rest, 'an empty file')
})

test('a link type that is not read is refused once, by name', () => {
  const { refused, lines, counts } = conversations(pcapFile(FRAMES, { linkType: 195 }))
  assert.deepEqual(refused, ['packets of link type 195, which is not read'])
  assert.deepEqual(lines, [])
  assert.equal(counts.otherLink, 3)
})

test('garbage behind a good beginning breaks nothing but itself', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(FILES)),
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(200),
      (file, noise, at) => {
        const bytes = file.slice()
        bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length))
        try {
          conversations(bytes)
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
        }
      },
    ),
    { numRuns: 500 },
  )
})

const SAMPLES = ['formats/zeek-pcap-to-conn', 'formats/ipfixprobe/inputs', 'formats/suricata-verify']
for (const folder of SAMPLES) {
  test(`every capture of ${folder} may end at any byte of its first kilobyte`, { skip: needData(folder) }, () => {
    const files = readdirSync(`${DATA}/${folder}`, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.pcap(ng)?$/.test(name),
    )
    assert.ok(files.length > 0)
    for (const name of files) {
      const bytes = new Uint8Array(readFileSync(`${DATA}/${folder}/${name}`))
      for (let length = 0; length <= Math.min(1_024, bytes.length); length += length < 64 ? 1 : 7) {
        assert.doesNotThrow(() => conversations(bytes.slice(0, length)), `${name} at ${length}`)
      }
    }
  })
}
