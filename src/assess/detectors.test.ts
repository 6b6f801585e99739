import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { FORBIDDEN, HOSTILE_NAMES } from '../../test/corpus/hostile-names.ts'
import { type FlowRow, flowRows } from '../../test/flow-rows.ts'
import { Evidence } from '../model/evidence.ts'
import { Mark } from '../model/flow.ts'
import { createBeacon } from './beacon.ts'
import { createBlocklist } from './blocklist.ts'
import { createBruteforce } from './bruteforce.ts'
import type { Detector } from './detector.ts'
import { createDetectors, type DetectorsOptions } from './detectors.ts'
import { createEnds } from './ends.ts'
import { createExfiltration } from './exfiltration.ts'
import { createIndicatorIndex, createNeverBlock } from './indicators.ts'
import { createHorizontalScan, createVerticalScan } from './scan.ts'

const T = 1_700_000_000_000
const HOME = '10.0.0.5'
const OUT = '203.0.113.7'

/** Feeds the rows in ticks of 5 s of event time, as the agent does; returns everything found. */
function run(rows: readonly FlowRow[], options: Partial<DetectorsOptions> = {}) {
  const detectors = createDetectors({ homeNetworks: ['10.0.0.0/8'], ...options })
  const found: { tick: number; evidence: Evidence }[] = []
  const sorted = [...rows].sort((a, b) => a.at - b.at)
  let next = 0
  for (let tick = 0; next < sorted.length; tick++) {
    const until = T + (tick + 1) * 5_000
    const part: FlowRow[] = []
    while (next < sorted.length && sorted[next]!.at < until) part.push(sorted[next++]!)
    detectors.add(flowRows(part))
    for (const { subject, evidence } of detectors.evaluate(until)) {
      assert.equal(subject, evidence.subject)
      assert.ok(Value.Check(Evidence, evidence), JSON.stringify(evidence))
      found.push({ tick, evidence })
    }
  }
  return found
}
const kinds = (found: ReturnType<typeof run>, like = '') =>
  [...new Set(found.map(({ evidence }) => evidence.kind))].filter((kind) => kind.startsWith(like))
const times = <T>(n: number, row: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => row(i))

test('beacon: a call every 3 s to the outside is said within 90 s and blames the caller', () => {
  const found = run(
    times(40, (i) => ({ at: T + i * 3_000 + ((i * 7_919) % 400), from: HOME, to: OUT, port: 443, out: 420 })),
  )
  assert.deepEqual(kinds(found), ['beacon'])
  const first = found[0]!
  assert.ok(first.tick <= 18, `said in tick ${first.tick}`)
  const { subject, peer, authenticated, why } = found.at(-1)!.evidence
  assert.deepEqual([subject, peer, authenticated], [HOME, OUT, true])
  assert.match(why, /every (2\.9|3|3\.1) s/)
})

test("beacon: calls in somebody else's name are not proven by the few that it made itself", () => {
  const own = (n: number, at: number) =>
    times(n, (i): FlowRow => ({ at: at + i * 60_000, from: HOME, to: OUT, port: 443 }))
  const forged = times(
    60,
    (i): FlowRow => ({ at: T + 3_600_000 + i * 3_000, from: HOME, to: OUT, port: 443, out: 60, state: 'S0' }),
  )
  const proofs = (rows: readonly FlowRow[]) =>
    run(rows)
      .filter(({ evidence }) => evidence.kind === 'beacon' && evidence.at > T + 3_600_000 + 30_000)
      .map(({ evidence }) => evidence.authenticated)
  for (const rows of [
    [...own(1, T + 3_540_000), ...forged],
    [...own(59, T), ...forged],
  ]) {
    const said = proofs(rows)
    assert.ok(said.length > 0)
    assert.deepEqual([...new Set(said)], [false])
  }
  const vouched = forged.map((row) => ({ ...row, marks: Mark.antispoofed }))
  assert.deepEqual([...new Set(proofs(vouched))], [true])
})

test('beacon, live: sizes come with the progress rows, times with the opened ones', () => {
  const found = run(
    times(40, (i) => i).flatMap((i): FlowRow[] => [
      {
        at: T + i * 2_500,
        from: HOME,
        to: OUT,
        port: 443,
        sourcePort: 4_000 + i,
        phase: 'opened',
        out: 0,
        in: 0,
        state: 'none',
        marks: 0,
      },
      {
        at: T + i * 2_500,
        from: HOME,
        to: OUT,
        port: 443,
        sourcePort: 4_000 + i,
        phase: 'progress',
        lastsMs: 2_000,
        out: 500,
        in: 900,
        state: 'none',
      },
    ]),
  )
  assert.ok(found.some(({ evidence }) => evidence.kind === 'beacon' && evidence.figures.size! > 0.9))
})

test('beacon: polling a machine of the home network, browsing and name look-ups are not', () => {
  const poll = times(60, (i) => ({ at: T + i * 2_000, from: HOME, to: '10.0.0.9', port: 8080 }))
  const dns = times(60, (i) => ({ at: T + i * 2_000, from: HOME, to: OUT, port: 53, proto: 'udp' as const }))
  const browse = times(60, (i) => ({
    at: T + Math.floor(i / 12) * 21_000 + (i % 12) ** 2 * 40,
    from: HOME,
    to: '198.51.100.4',
    port: 443,
    out: 300 + ((i * 7_919) % 5_000),
  }))
  assert.deepEqual(kinds(run([...poll, ...dns, ...browse])), [])
})

test('horizontal scan: many hosts refuse or ignore one port', () => {
  const found = run(
    times(60, (i) => ({ at: T + i * 500, from: HOME, to: `10.0.1.${i + 1}`, port: 22, state: i % 2 ? 'S0' : 'REJ' })),
  )
  assert.deepEqual(kinds(found), ['scan.horizontal'])
  const { peer, authenticated, weight } = found.at(-1)!.evidence
  assert.deepEqual([peer, authenticated], ['10.0.1.0/24', false])
  assert.ok(weight > 4)
})

test('horizontal scan: the anti-spoofed interface vouches for the source', () => {
  const found = run(
    times(30, (i) => ({
      at: T + i * 500,
      from: HOME,
      to: `10.0.1.${i + 1}`,
      port: 22,
      state: 'S0',
      marks: Mark.antispoofed,
    })),
  )
  assert.equal(found.at(-1)!.evidence.authenticated, true)
})

test('many hosts that answer are no scan, nor are a few that do not', () => {
  const answered = times(200, (i): FlowRow => ({ at: T + i * 100, from: HOME, to: `198.51.100.${i + 1}`, port: 443 }))
  const few = times(
    200,
    (i): FlowRow => ({ at: T + i * 500, from: HOME, to: `198.51.100.${(i % 8) + 1}`, state: 'S0' }),
  )
  assert.deepEqual(kinds(run(answered), 'scan'), [])
  assert.deepEqual(kinds(run(few), 'scan'), [])
})

test('vertical scan: one host, many ports', () => {
  const found = run(times(40, (i) => ({ at: T + i * 50, from: HOME, to: '10.0.1.9', port: 1_000 + i, state: 'REJ' })))
  assert.deepEqual(kinds(found), ['scan.vertical'])
  assert.equal(found[0]!.evidence.peer, '10.0.1.9')
})

test('ICMP scan: many pinged, none answers; a monitor whose pings are answered is none', () => {
  const ping = (answered: boolean) =>
    times(
      60,
      (i): FlowRow => ({
        at: T + i * 200,
        from: HOME,
        to: `10.0.2.${i + 1}`,
        proto: 'icmp',
        sourcePort: 8,
        port: 0,
        in: answered ? 60 : 0,
        marks: answered ? 1 : 0,
        state: 'OTH',
      }),
    )
  assert.deepEqual(kinds(run(ping(false))), ['scan.icmp'])
  assert.deepEqual(kinds(run(ping(true))), [])
})

/** A workload that sends a kilobyte every 5 s for two minutes. */
const quiet = times(
  24,
  (i): FlowRow => ({
    at: T + i * 5_000 + 100,
    from: HOME,
    to: '198.51.100.9',
    port: 443,
    out: 1_000 + ((i * 131) % 700),
  }),
)
/** Progress of one upload from tick 24 on. */
const upload = (ticks: number, bytes: number, to = OUT): FlowRow[] =>
  times(ticks, (i) => ({
    at: T + 122_000 + i * 5_000,
    from: HOME,
    to,
    port: 443,
    phase: 'progress',
    out: bytes,
    in: bytes / 200,
    state: 'none',
  }))

test('exfiltration: 40 MB to the outside from one who sends little is said within two ticks', () => {
  const found = run([...quiet, ...upload(4, 20e6)]).filter(({ evidence }) => evidence.kind === 'exfiltration')
  assert.ok(found.length > 0)
  assert.ok(found[0]!.tick <= 25, `said in tick ${found[0]!.tick}, the upload began in tick 24`)
  const { subject, peer, authenticated, weight } = found[0]!.evidence
  assert.deepEqual([subject, peer, authenticated], [HOME, OUT, true])
  assert.ok(weight >= 3.5)
})

test('exfiltration: what is sent in the name of somebody whose other talk is proven is not proven by that', () => {
  const forged = upload(4, 20e6).map((row) => ({ ...row, proto: 'udp' as const, in: 0, marks: 0 }))
  for (const [rows, authenticated] of [
    [upload(4, 20e6), true],
    [forged, false],
  ] as const) {
    const found = run([...quiet, ...rows]).filter(({ evidence }) => evidence.kind === 'exfiltration')
    assert.deepEqual([...new Set(found.map(({ evidence }) => evidence.authenticated))], [authenticated])
  }
})

test('exfiltration: with little history a theft does not become its own usual', () => {
  // Five ticks of 10 MB after twelve quiet ones: each stays under the floor of the other spans for a while.
  const found = run([...quiet.slice(12), ...upload(5, 10.5e6)]).filter(
    ({ evidence }) => evidence.kind === 'exfiltration',
  )
  assert.ok(found.length > 0 && found[0]!.tick <= 25, `said in tick ${found[0]?.tick}`)
})

test('exfiltration: a theft that begins before there is a usual is judged as soon as there is one', () => {
  // Three quiet ticks, then an upload that goes on: a minute after the first flow it is said.
  const found = run([...quiet.slice(21), ...upload(12, 10.5e6)]).filter(
    ({ evidence }) => evidence.kind === 'exfiltration',
  )
  assert.ok(found.length > 0 && found[0]!.tick <= 34, `said in tick ${found[0]?.tick}`)
  const bursts = times(
    24,
    (i): FlowRow => ({ at: T + i * 5_000, from: HOME, to: OUT, port: 443, out: i % 6 === 4 ? 12e6 : 2_000 }),
  )
  assert.equal(kinds(run(bursts)).includes('exfiltration'), false, 'who sends in bursts from the start is left alone')
})

test('exfiltration: who always sends that much, who downloads, and who is known at home is left alone', () => {
  const exporter = times(
    60,
    (i): FlowRow => ({
      at: T + i * 5_000,
      from: HOME,
      to: OUT,
      port: 443,
      phase: i ? 'progress' : 'opened',
      out: 20e6,
      in: 1e5,
      state: 'none',
    }),
  )
  assert.deepEqual(kinds(run(exporter), 'exfil'), [])
  const download = upload(4, 1e5).map((row) => ({ ...row, in: 50e6 }))
  assert.deepEqual(kinds(run([...quiet, ...download]), 'exfil'), [])
  const backup = times(140, (i): FlowRow => ({ at: T + i * 5_000, from: HOME, to: '10.0.0.9', port: 443, out: 2_000 }))
  const known = upload(2, 40e6, '10.0.0.9').map((row) => ({ ...row, at: row.at + 600_000 }))
  assert.deepEqual(kinds(run([...backup, ...known]), 'exfil'), [])
})

test('brute force: many short SSH sessions; port checks and a few long sessions are none', () => {
  const guess = times(
    60,
    (i): FlowRow => ({ at: T + i * 2_500, from: OUT, to: HOME, port: 22, out: 2_000, in: 2_600, lastsMs: 1_500 }),
  )
  const found = run(guess).filter(({ evidence }) => evidence.kind === 'bruteforce')
  assert.ok(found.length > 0)
  assert.deepEqual([found[0]!.evidence.subject, found[0]!.evidence.peer], [OUT, `${HOME}:22`])
  const check = times(60, (i): FlowRow => ({ at: T + i * 2_500, from: '10.0.0.6', to: HOME, port: 22, out: 0, in: 60 }))
  const work = times(
    60,
    (i): FlowRow => ({ at: T + i * 2_500, from: '10.0.0.6', to: HOME, port: 22, out: 90_000, in: 400_000 }),
  )
  const pool = times(
    90,
    (i): FlowRow => ({ at: T + i * 2_500, from: '10.0.0.6', to: HOME, port: 5432, out: 900, in: 700 }),
  )
  assert.deepEqual(kinds(run([...check])), [])
  assert.deepEqual(kinds(run([...work])), [])
  assert.deepEqual(kinds(run([...pool])), [], 'a database client without a pool')
})

test('brute force: what went over the same service before a quiet while excuses no guesses after it', () => {
  const backup: FlowRow = { at: T, from: '10.0.0.6', to: HOME, port: 22, out: 1e9, in: 1e6, lastsMs: 1_000 }
  const guess = times(60, (i): FlowRow => ({ ...backup, at: T + 3_600_000 + i * 2_500, out: 2_000, in: 2_600 }))
  const found = run([backup, ...guess]).filter(({ evidence }) => evidence.kind === 'bruteforce')
  assert.ok(found.length > 0)
  assert.match(found[0]!.evidence.why, /about 2000 bytes out and 2600 in each/)
})

test('block-list: blames who called, also when the listed one did; a repeat is not said again at once', () => {
  const indicators = createIndicatorIndex([{ cidr: OUT, score: 0, feed: 'bad', confidence: 0.8 }])
  const out = run(
    [
      { at: T, from: HOME, to: OUT },
      { at: T + 6_000, from: HOME, to: OUT },
    ],
    { indicators },
  )
  assert.deepEqual(
    out.map(({ evidence }) => [evidence.subject, evidence.peer]),
    [[HOME, OUT]],
  )
  const inbound = run([{ at: T, from: OUT, to: HOME }], { indicators })
  assert.equal(inbound[0]!.evidence.subject, OUT)
})

test('whoever gets an address starts with nothing of what was done under it before, others keep theirs', () => {
  const detectors = createDetectors({ homeNetworks: ['10.0.0.0/8'] })
  const half = (from: string, at: number) => [
    ...times(20, (i): FlowRow => ({ at: at + i, from, to: `10.0.${1 + (at % 2)}.${i + 1}`, port: 22, state: 'S0' })),
    ...times(20, (i): FlowRow => ({ at: at + i * 1_500, from, to: OUT, port: 443, out: 420 })),
    ...times(15, (i): FlowRow => ({ at: at + i, from, to: '10.0.0.9', port: 22, out: 2_000, in: 2_600 })),
  ]
  const other = '10.0.0.6'
  detectors.add(flowRows([...half(HOME, T), ...half(other, T)]))
  detectors.evaluate(T + 30_000)
  const before = detectors.counters()
  detectors.drop(['10.0.0.77', 'x'])
  assert.deepEqual(detectors.counters(), before)
  detectors.drop([HOME])
  detectors.add(flowRows([...half(HOME, T + 30_001), ...half(other, T + 30_001)]))
  const found = Map.groupBy(detectors.evaluate(T + 90_000), ({ subject }) => subject)
  const kindsOf = (who: string) => (found.get(who) ?? []).map(({ evidence }) => evidence.kind).sort()
  assert.deepEqual(kindsOf(other), ['beacon', 'bruteforce', 'scan.horizontal'])
  const own = found.get(HOME)?.filter(({ evidence }) => evidence.kind !== 'beacon') ?? []
  assert.deepEqual(
    own.map(({ evidence }) => [evidence.kind, evidence.figures.addresses]),
    [['scan.horizontal', 20]],
  )
})

test('the never-block list is above every detector', () => {
  const indicators = createIndicatorIndex([{ cidr: OUT, score: 0, feed: 'bad', confidence: 1 }])
  const neverBlock = createNeverBlock([`${OUT}/32`])
  const rows = [
    ...times(60, (i): FlowRow => ({ at: T + i * 2_000, from: HOME, to: OUT, port: 443 })),
    ...times(60, (i): FlowRow => ({ at: T + i * 2_000, from: HOME, to: OUT, port: 1_000 + i, state: 'S0' })),
    ...times(60, (i): FlowRow => ({ at: T + i * 2_000, from: OUT, to: `10.0.3.${i + 1}`, port: 22, state: 'S0' })),
  ]
  assert.deepEqual(run(rows, { indicators, neverBlock }), [])
})

test('names of feeds come out plain in the sentence', () => {
  for (const feed of HOSTILE_NAMES) {
    const indicators = createIndicatorIndex([{ cidr: OUT, score: 0, feed, confidence: 1 }])
    const [found] = run([{ at: T, from: HOME, to: OUT }], { indicators })
    assert.doesNotMatch(found!.evidence.why, FORBIDDEN)
    assert.doesNotMatch(found!.evidence.source, FORBIDDEN)
  }
})

test('every detector holds so many keys and no more, and counts what it could not take', () => {
  const ends = createEnds({ homeNetworks: ['10.0.0.0/8'], neverBlock: createNeverBlock([]), maxAddresses: 10_000 })
  const indicators = createIndicatorIndex([{ cidr: '198.51.100.0/24', score: 0, feed: 'f', confidence: 1 }])
  const cases: [Detector, (i: number) => FlowRow][] = [
    [createBeacon({ maxSeries: 5 }), (i) => ({ at: T, from: HOME, to: `198.51.100.${i}`, port: 443 })],
    [createHorizontalScan({ maxKeys: 5 }), (i) => ({ at: T, from: HOME, to: OUT, port: i, state: 'S0' })],
    [createVerticalScan({ maxKeys: 5 }), (i) => ({ at: T, from: HOME, to: `198.51.100.${i}`, state: 'S0' })],
    [createExfiltration({ maxPairs: 5 }), (i) => ({ at: T, from: HOME, to: `198.51.100.${i}` })],
    [createBruteforce({ maxKeys: 5 }), (i) => ({ at: T, from: HOME, to: `198.51.100.${i}`, port: 22 })],
    [createBlocklist({ indicators, maxContacts: 5 }), (i) => ({ at: T, from: HOME, to: `198.51.100.${i}` })],
  ]
  for (const [detector, row] of cases) {
    const batch = flowRows(times(20, (i) => row(i + 1)))
    ends.look(batch)
    detector.add(batch, ends)
    assert.deepEqual([detector.held, detector.refused], [5, 15], detector.name)
    detector.forget(T + 1)
    assert.equal(detector.held, 0, detector.name)
    ends.forget(T)
    ends.look(batch)
    detector.add(batch, ends)
    detector.forget(T, T)
    assert.equal(detector.held, 5, detector.name)
    detector.forget(T, T - 1)
    assert.equal(detector.held, 0, detector.name)
    ends.forget(T)
    ends.look(batch)
    detector.add(batch, ends)
    detector.drop(new Set([ends.target[0]!]))
    assert.equal(detector.held, 5, 'whom it was done to is not to blame')
    detector.drop(new Set([ends.source[0]!]))
    assert.deepEqual([detector.held, detector.evaluate(T, ends)], [0, []], detector.name)
  }
})

test('when addresses run out the old are forgotten, not the new refused for ever', () => {
  const detectors = createDetectors({ homeNetworks: ['10.0.0.0/8'], maxAddresses: 100 })
  for (let hour = 0; hour < 60; hour++) {
    detectors.add(flowRows(times(20, (i) => ({ at: T + hour * 3_600_000, from: `10.1.${hour}.${i}`, to: OUT }))))
    detectors.evaluate(T + hour * 3_600_000)
  }
  assert.ok(detectors.counters()['detectors.addresses']! <= 100)
  assert.equal(detectors.counters()['detectors.addressesRefused'], 0)
})

test('a detector that was filled up by one source sees the others again, and not a day later', () => {
  const detectors = createDetectors({ homeNetworks: ['10.0.0.0/8'] })
  const flood = times(33_000, (i): FlowRow => ({ at: T, from: HOME, to: `10.2.${i >> 8}.${i & 255}`, port: 22 }))
  detectors.add(flowRows(flood))
  detectors.evaluate(T + 5_000)
  assert.ok(detectors.counters()['detectors.bruteforce.refused']! > 0)
  const found = times(60, (i) => {
    const at = T + 600_000 + i * 2_500
    detectors.add(flowRows([{ at, from: '10.0.0.6', to: HOME, port: 22, out: 2_000, in: 2_600, lastsMs: 1_500 }]))
    return detectors.evaluate(at + 2_500)
  }).flat()
  assert.deepEqual(
    found
      .filter(({ evidence }) => evidence.kind === 'bruteforce')
      .map(({ subject }) => subject)
      .slice(0, 1),
    ['10.0.0.6'],
  )
})

test('a clock that was set back blinds nobody until the time comes again that it showed', () => {
  const found = (backMs: number) => {
    const detectors = createDetectors({ homeNetworks: ['10.0.0.0/8'] })
    const kinds: string[] = []
    const tick = (at: number, rows: Omit<FlowRow, 'at'>[]) => {
      detectors.add(flowRows(rows.map((row) => ({ at, ...row }))))
      kinds.push(...detectors.evaluate(at + 5_000).map(({ evidence }) => evidence.kind))
    }
    const guess: Omit<FlowRow, 'at'> = { from: '10.0.0.6', to: HOME, port: 22, out: 2_000, in: 2_600, lastsMs: 1_500 }
    const steal: Omit<FlowRow, 'at'> = { from: '10.0.0.8', to: OUT, port: 443, out: 60e6, in: 1e5, phase: 'progress' }
    tick(T - 7_200_000, [{ from: '10.0.0.8', to: '203.0.113.8' }])
    tick(T, [{ from: HOME, to: '10.9.9.9', port: 22, state: 'S0' }, guess, steal])
    kinds.length = 0
    for (let i = 0; i < 60; i++)
      tick(T - backMs + 10_000 + i * 5_000, [
        ...times(3, (k) => ({ from: HOME, to: `10.0.${i}.${k}`, port: 22, state: 'S0' as const })),
        guess,
        guess,
        { from: '10.0.0.8', to: '203.0.113.8', out: 1_000 },
        ...(i < 50 ? [] : [steal]),
      ])
    return [...new Set(kinds)].sort()
  }
  const all = ['beacon', 'bruteforce', 'exfiltration', 'scan.horizontal']
  assert.deepEqual(found(0), all)
  assert.deepEqual(found(3_600_000), all)
  assert.deepEqual(found(7 * 86_400_000), all)
})
