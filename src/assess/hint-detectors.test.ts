import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { FORBIDDEN, HOSTILE_NAMES } from '../../test/corpus/hostile-names.ts'
import { parseAddress } from '../model/address.ts'
import { Evidence } from '../model/evidence.ts'
import { createFlowBatch } from '../model/flow.ts'
import type { AlertHint, DnsHint, Hint } from '../model/hint.ts'
import { createDetectors } from './detectors.ts'
import { createDnsNames, domainOf } from './dns-names.ts'
import { createEnds } from './ends.ts'
import { createNeverBlock } from './indicators.ts'
import { createSensorAlerts } from './sensor-alerts.ts'

const T = 1_700_000_000_000
const ends = {
  source: parseAddress('10.0.0.5')!,
  target: parseAddress('10.0.0.53')!,
  sourcePort: 4_000,
  targetPort: 53,
  proto: 17,
}
const dns = (i: number, query: string, over: Partial<DnsHint> = {}): Hint => ({
  ...ends,
  kind: 'dns',
  at: T + i * 1_000,
  query,
  type: 1,
  code: 0,
  answers: [],
  answeredMs: 5,
  ...over,
})
const alert = (i: number, over: Partial<AlertHint> = {}): Hint => ({
  ...ends,
  kind: 'alert',
  at: T + i * 1_000,
  sensor: 'suricata',
  signature: 'ET TROJAN X',
  category: 'C',
  severity: 1,
  ...over,
})

function run(hints: readonly Hint[]): Evidence[] {
  const detectors = createDetectors({ homeNetworks: ['10.0.0.0/8'] })
  const batch = createFlowBatch(1)
  batch.hints.push(...hints)
  detectors.add(batch)
  return detectors.evaluate(T + hints.length * 1_000).map(({ evidence }) => {
    assert.ok(Value.Check(Evidence, evidence), JSON.stringify(evidence))
    return evidence
  })
}
const times = <T>(n: number, one: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => one(i))
/** Letters that look like data, the same each time. */
const noise = (i: number, length: number) =>
  times(
    length,
    (at) => 'abcdefghijklmnopqrstuvwxyz234567'[(i * 7_919 + at * 104_729 + ((i * at) % 31) * 17) % 32],
  ).join('')

test('many domains that do not exist are said, with some of them; a search list or a typing error is not', () => {
  const [found] = run(times(40, (i) => dns(i, `${noise(i, 12)}.net`, { code: 3 })))
  assert.deepEqual(
    [found?.kind, found?.subject, found?.peer, found?.authenticated],
    ['dns.nxdomain', '10.0.0.5', null, false],
  )
  assert.match(found!.why, /^asked for names in 40 domains that do not exist in 39 s, such as \S+\.net/)
  assert.deepEqual(run(times(40, (i) => dns(i, `host${i}.corp.example.org`, { code: 3 }))), [])
  assert.deepEqual(run(times(40, (i) => dns(i, `${i}.2.0.192.in-addr.arpa`, { code: 3 }))), [])
  assert.deepEqual(run(times(40, (i) => dns(i, `${noise(i, 12)}.net`))), [], 'names that exist')
  assert.deepEqual(run(times(40, (i) => dns(i * 60, `${noise(i, 12)}.net`, { code: 3 }))), [], 'one a minute')
})

test('data in names below one domain is said; services with many short names are not', () => {
  const [found] = run(times(80, (i) => dns(i, `${noise(i, 40)}.t.example.com`)))
  assert.deepEqual([found?.kind, found?.subject, found?.peer], ['dns.tunnel', '10.0.0.5', 'example.com'])
  const texts = run(times(80, (i) => dns(i, `${noise(i, 20)}.example.com`, { type: 16 })))
  assert.deepEqual(
    texts.map(({ kind }) => kind),
    ['dns.tunnel'],
    'TXT needs half the length',
  )
  assert.deepEqual(run(times(80, (i) => dns(i, `${noise(i, 20)}.example.com`))), [])
  assert.deepEqual(run(times(400, (i) => dns(i, `${noise(i % 30, 40)}.example.com`))), [], 'the same names again')
})

test('the registered part of a name', () => {
  const names = [
    'a.b.example.com',
    'example.com',
    'a.b.example.co.uk',
    'x.github.io',
    'localhost',
    'a.b.arpa',
    '',
    'printer.local',
  ]
  assert.deepEqual(names.map(domainOf), [
    'example.com',
    'example.com',
    'example.co.uk',
    'github.io',
    null,
    null,
    null,
    null,
  ])
})

test('an alert of another sensor is passed on with its name, by its severity, and never for certain', () => {
  const [one] = run([alert(0)])
  assert.deepEqual(
    [one?.kind, one?.subject, one?.peer, one?.weight, one?.source, one?.authenticated],
    ['sensor.alert', '10.0.0.5', '10.0.0.53', 2, 'sensor suricata', false],
  )
  assert.equal(one?.why, 'suricata alerted on its traffic to 10.0.0.53: "ET TROJAN X" (severity 1)')
  const [many] = run([
    alert(0, { severity: 3 }),
    alert(1, { signature: 'B', severity: 2 }),
    alert(2, { signature: 'C', severity: 3 }),
    alert(3),
  ])
  assert.equal(many?.weight, 2 + 0.25 * Math.log2(3))
  assert.match(many!.why, /"ET TROJAN X" \(severity 1\), 4 alerts of 3 kinds in all$/)
  assert.equal(run([alert(0, { severity: 9 })])[0]?.weight, 0.2)
})

test('names of strangers are plain in the sentences', () => {
  const hints = HOSTILE_NAMES.flatMap((name) => [alert(0, { signature: name, sensor: name })])
  for (const { why, source } of run(hints)) for (const text of [why, source]) assert.doesNotMatch(text, FORBIDDEN)
})

test('what is held is bounded, what does not fit is counted, what is old is forgotten', () => {
  for (const detector of [createDnsNames({ maxKeys: 3 }), createSensorAlerts({ maxKeys: 3 })]) {
    const seen = createEnds({ homeNetworks: [], neverBlock: createNeverBlock([]), maxAddresses: 1_000 })
    const batch = createFlowBatch(1)
    for (let i = 0; i < 10; i++) {
      const source = parseAddress(`10.0.1.${i}`)!
      batch.hints.push(dns(i, `${noise(i, 40)}.example.com`, { source }), alert(i, { source }))
    }
    seen.look(batch)
    detector.add(batch, seen)
    assert.deepEqual([detector.held, detector.refused], [3, 7])
    detector.drop(new Set([seen.hintTarget[0]!, seen.hintSource[0]!]))
    assert.equal(detector.held, 2, 'what the first did, and nothing of the others')
    detector.forget(T + 100_000)
    assert.equal(detector.held, 0)
  }
})
