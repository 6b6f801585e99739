import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { carryText, readFlow, readTracked } from './carry.ts'

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

test('a connection of a device is carried as it was asked for, whatever is translated', () => {
  const masked =
    'ipv4     2 tcp      6 431999 ESTABLISHED src=10.78.0.5 dst=198.51.100.9 sport=4000 dport=443 src=198.51.100.9 dst=203.0.113.1 sport=443 dport=4000 [ASSURED] mark=0 use=1'
  const published =
    'ipv6     10 udp      17 20 src=2001:0db8:0000:0000:0000:0000:0000:0009 dst=2001:0db8:0000:0000:0000:0000:0000:0001 sport=7 dport=80 src=fd78:0000:0000:0000:0000:0000:0000:0005 dst=2001:0db8:0000:0000:0000:0000:0000:0009 sport=8080 dport=7 mark=0 use=1'
  const routed = new Set(['10.78.0.5', 'fd78::5'])
  assert.deepEqual(readTracked(masked, routed)[0]!.both[0], '10.78.0.5 . 198.51.100.9 . tcp . 4000 . 443')
  assert.deepEqual(readTracked(published, routed)[0]!.both[0], '2001:db8::9 . 2001:db8::1 . udp . 7 . 80')
  assert.deepEqual(readTracked(masked, new Set(['10.78.0.6'])), [], 'of somebody else')
  assert.deepEqual(readTracked(masked.replace('ESTABLISHED', 'TIME_WAIT'), routed), [])
  assert.deepEqual(readTracked(published.replace('src=fd78', '[UNREPLIED] src=fd78'), routed), [])
  assert.deepEqual(readTracked(masked.replace('198.51.100.9 sport=4000', '1;drop sport=4000'), routed), [])
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
