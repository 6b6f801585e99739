import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answerTo, type Zone } from './dns-answer.ts'

const zone: Zone = {
  names: { 'db1.lab.internal': ['10.77.1.2', 'fd77:0:1::2'] },
  sites: { v4: '198.51.100.', v6: '2001:db8:64::' },
}

function question(name: string, type: number): Buffer {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')]))
  const head = Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, type, 0, 1])])
}

test('a known name has its address of the asked family, with the id of the question', () => {
  const v4 = answerTo(zone, question('DB1.lab.internal', 1))!
  assert.equal(v4.readUInt16BE(0), 0x1234)
  assert.equal(v4.readUInt16BE(6), 1)
  assert.deepEqual([...v4.subarray(-4)], [10, 77, 1, 2])
  const v6 = answerTo(zone, question('db1.lab.internal', 28))!
  assert.equal(v6.subarray(-16).toString('hex'), 'fd770000000100000000000000000002')
})

test('every site has one steady address outside; a stranger does not exist', () => {
  const site = answerTo(zone, question('news.example', 1))!
  assert.deepEqual(answerTo(zone, question('news.example', 1)), site)
  assert.deepEqual([...site.subarray(-4, -1)], [198, 51, 100])
  const nobody = answerTo(zone, question('toString', 1))!
  assert.equal(nobody.readUInt16BE(2) & 15, 3)
  assert.equal(nobody.readUInt16BE(6), 0)
})

test('cut and hostile packets get no answer or one that is whole, never a crash', () => {
  const whole = question('db1.lab.internal', 1)
  for (let cut = 0; cut < whole.length; cut++) assert.equal(answerTo(zone, whole.subarray(0, cut)), null)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const answer = answerTo(zone, Buffer.from(bytes))
      assert.ok(answer === null || answer.length >= 12)
    }),
  )
})
