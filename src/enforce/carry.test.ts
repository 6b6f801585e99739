import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { carryText, readFlow } from './carry.ts'

test('a connection is carried by either end as the asker, in its own family', () => {
  assert.deepEqual(readFlow('tcp   ESTAB  0  0   10.77.1.2:44477   10.77.2.2:7000  '), [
    {
      family: 4,
      both: ['10.77.1.2 . 10.77.2.2 . tcp . 44477 . 7000', '10.77.2.2 . 10.77.1.2 . tcp . 7000 . 44477'],
    },
  ])
  assert.equal(readFlow('udp ESTAB 0 0 [fd77::2]:53 [fd77::3]:999')[0]!.family, 6)
  assert.equal(readFlow('tcp ESTAB 0 0 [::ffff:10.0.0.1]:80 [::ffff:10.0.0.2]:1024')[0]!.family, 4)
})

test('what is no connection with somebody else is left out', () => {
  for (const line of [
    '',
    'tcp ESTAB 0 0 127.0.0.1:1 127.0.0.1:2',
    'udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:*',
    'tcp ESTAB 0 0 [fe80::1]%eth0:80 [fe80::2]:1',
    'icmp ESTAB 0 0 10.0.0.1:8 10.0.0.2:0',
    'tcp ESTAB 0 0 10.0.0.1:99999 10.0.0.2:80',
  ])
    assert.deepEqual(readFlow(line), [], line)
})

test('whatever a program prints, nothing but addresses and numbers reaches nft', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (local, peer) => {
      for (const { both } of readFlow(`tcp ESTAB 0 0 ${local} ${peer}`))
        for (const element of both) assert.match(element, /^[0-9a-f.:]+ \. [0-9a-f.:]+ \. tcp \. \d+ \. \d+$/)
    }),
  )
})

test('a time that is over carries nothing; of two captures each has its own', () => {
  const [old, fresh] = [
    { v4: ['x'], v6: [], until: 10 },
    { v4: ['y'], v6: ['z'], until: 15 },
  ]
  assert.equal(carryText([old], 10), '')
  assert.equal(carryText([], 0), '')
  const elements = (now: number) => carryText([fresh, old], now).match(/^add element .*$/gm)
  assert.deepEqual(elements(9), [
    'add element inet guise live4 { y timeout 6ms }',
    'add element inet guise live4 { x timeout 1ms }',
    'add element inet guise live6 { z timeout 6ms }',
  ])
  assert.deepEqual(elements(10), [
    'add element inet guise live4 { y timeout 5ms }',
    'add element inet guise live6 { z timeout 5ms }',
  ])
})
