import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Writer } from './nft-writer.ts'

test('a value that makes the buffer grow is in the buffer that goes out', () => {
  const kinds = {
    byte: { write: (writer: Writer) => writer.byte(1, 7), value: [7, 0, 0, 0] },
    short: { write: (writer: Writer) => writer.short(1, 7), value: [0, 7, 0, 0] },
    int: { write: (writer: Writer) => writer.int(1, 7), value: [0, 0, 0, 7] },
    long: { write: (writer: Writer) => writer.long(1, 7), value: [0, 0, 0, 0, 0, 0, 0, 7] },
    text: { write: (writer: Writer) => writer.text(1, 'abc'), value: [97, 98, 99, 0] },
    raw: { write: (writer: Writer) => writer.raw(1, Uint8Array.of(1, 2, 3)), value: [1, 2, 3, 0] },
  }
  for (const [kind, { write, value }] of Object.entries(kinds)) {
    const writer = new Writer()
    const first = writer.bytes
    writer.raw(1, new Uint8Array(first.length - 8))
    write(writer)
    assert.notEqual(writer.bytes, first, kind)
    assert.deepEqual([...writer.bytes.subarray(writer.at - value.length, writer.at)], value, kind)
  }
})
