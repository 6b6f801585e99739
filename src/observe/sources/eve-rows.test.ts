import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FORBIDDEN, HOSTILE_NAMES } from '../../../test/corpus/hostile-names.ts'
import { formatAddress } from '../../model/address.ts'
import { createFlowBatch, FLOW_STATES } from '../../model/flow.ts'
import { createServiceNames } from '../source.ts'
import { createEveRows } from './eve-rows.ts'
import { createEveScan } from './eve-scan.ts'
import { createEveTimes } from './eve-time.ts'

const AT = '2026-11-21T09:00:00.250000+0100'
const AT_MS = Date.UTC(2026, 10, 21, 8, 0, 0, 250)

const event = (type: string, rest: object) => ({
  timestamp: AT,
  flow_id: 77,
  in_iface: 'eth0',
  event_type: type,
  src_ip: '10.0.0.1',
  src_port: 4000,
  dest_ip: '10.0.0.2',
  dest_port: 443,
  proto: 'TCP',
  ...rest,
})

function read(...events: (object | string)[]) {
  const services = createServiceNames()
  const eve = createEveRows(services)
  const batch = createFlowBatch(64)
  const refused: string[] = []
  for (const one of events) {
    const bytes = Buffer.from(typeof one === 'string' ? one : JSON.stringify(one))
    const why = eve.take(batch, bytes, 0, bytes.length)
    if (why !== null) refused.push(why.why)
  }
  const rows = Array.from({ length: batch.count }, (_, row) => ({
    start: batch.start[row],
    lasts: batch.end[row]! - batch.start[row]!,
    ends: `${formatAddress(batch.source, row * 4)}:${batch.sourcePort[row]} ${formatAddress(batch.target, row * 4)}:${batch.targetPort[row]}`,
    state: FLOW_STATES[batch.state[row]!],
    marks: batch.marks[row],
    service: services.nameOf(batch.service[row]!),
    amounts: [batch.bytesOut[row], batch.bytesIn[row], batch.packetsOut[row], batch.packetsIn[row]],
  }))
  return { rows, hints: batch.hints, refused, passed: Object.fromEntries(eve.passed) }
}

const flow = (out: string, back: string, rest: object = {}) =>
  event('flow', {
    app_proto: 'tls',
    flow: {
      pkts_toserver: 3,
      pkts_toclient: back === '' ? 0 : 2,
      bytes_toserver: 300,
      bytes_toclient: back === '' ? 0 : 900,
      start: AT,
      end: '2026-11-21T09:00:02.750000+0100',
      state: 'closed',
    },
    tcp: { tcp_flags: '1f', tcp_flags_ts: out, tcp_flags_tc: back },
    ...rest,
  })

test('a flow event is a row, its outcome from the flags of both sides', () => {
  assert.deepEqual(read(flow('1b', '1b')).rows, [
    {
      start: AT_MS,
      lasts: 2_500,
      ends: '10.0.0.1:4000 10.0.0.2:443',
      state: 'SF',
      marks: 1,
      service: 'ssl',
      amounts: [300, 900, 3, 2],
    },
  ])
  const states = [
    ['02', ''],
    ['02', '14'],
    ['1a', '1a'],
    ['1f', '1b'],
    ['1b', '1e'],
    ['12', '1b'],
    ['03', ''],
    ['06', ''],
    ['18', '18'],
  ].map(([out, back]) => read(flow(out!, back!)).rows[0]!.state)
  assert.deepEqual(states, ['S0', 'REJ', 'S1', 'RSTO', 'RSTR', 'S3', 'SH', 'RSTOS0', 'none'])
})

test('without flags the outcome is what Suricata knows, and no more', () => {
  const plain = flow('1b', '1b', { tcp: undefined })
  assert.equal(read(plain).rows[0]!.state, 'none')
  const unanswered = flow('', '', { tcp: undefined })
  Object.assign((unanswered as { flow?: object }).flow!, { state: 'new' })
  assert.equal(read(unanswered).rows[0]!.state, 'S0')
  const udp = (bytes: string) => read(flow('', bytes, { proto: 'UDP', tcp: undefined })).rows[0]!
  assert.deepEqual([udp('x').state, udp('x').marks, udp('').state, udp('').marks], ['SF', 1, 'S0', 0])
})

test('ICMP rows hold type and code where others hold ports', () => {
  const ping = flow('', '', { proto: 'ICMP', icmp_type: 8, icmp_code: 0, src_port: undefined, dest_port: undefined })
  assert.equal(read(ping).rows[0]!.ends, '10.0.0.1:8 10.0.0.2:0')
  const ping6 = flow('', '', {
    proto: 'IPv6-ICMP',
    src_ip: 'fd00::1',
    dest_ip: 'fd00::2',
    icmp_type: 128,
    icmp_code: 0,
  })
  assert.equal(read(ping6).rows[0]!.ends, 'fd00::1:128 fd00::2:0')
})

const half = (from: string, to: string, bytes: number, flags: string) =>
  event('netflow', {
    src_ip: from,
    dest_ip: to,
    netflow: { pkts: 2, bytes, start: AT, end: AT, age: 0 },
    tcp: { tcp_flags: flags },
  })

test('netflow events: two halves are one row; beside flow events they are not counted again', () => {
  const halves = [half('10.0.0.1', '10.0.0.2', 300, '1b'), half('10.0.0.2', '10.0.0.1', 900, '1b')]
  const { rows } = read(...halves, half('10.0.0.3', '10.0.0.2', 60, '02'))
  assert.deepEqual(
    rows.map(({ ends, state, amounts, marks }) => [ends, state, amounts, marks]),
    [
      ['10.0.0.1:4000 10.0.0.2:443', 'SF', [300, 900, 2, 2], 1],
      ['10.0.0.3:4000 10.0.0.2:443', 'S0', [60, 0, 2, 0], 0],
    ],
  )
  const beside = read(flow('1b', '1b'), ...halves)
  assert.deepEqual([beside.rows.length, beside.passed], [1, { netflow: 2 }])
})

const dns = (rest: object, more: object = {}) =>
  event('dns', { proto: 'UDP', dest_ip: '10.0.0.53', dest_port: 53, dns: { id: 9, tx_id: 0, ...rest }, ...more })
const back = { src_ip: '10.0.0.53', src_port: 53, dest_ip: '10.0.0.1', dest_port: 4000 }

test('DNS in its three versions: question and answer are one hint', () => {
  const wanted = {
    kind: 'dns',
    at: AT_MS,
    source: [0, 0, 0xffff, 0x0a000001],
    target: [0, 0, 0xffff, 0x0a000035],
    sourcePort: 4000,
    targetPort: 53,
    proto: 17,
    query: 'a.example',
    type: 1,
    code: 0,
    answers: ['192.0.2.1', '192.0.2.2'],
    answeredMs: 30,
  }
  const later = { timestamp: AT.replace('.25', '.28') }
  const rr = (rdata: string) => ({ rrname: 'a.example', rrtype: 'A', ttl: 60, rdata })
  const versions = {
    v1: [
      dns({ type: 'query', rrname: 'A.example', rrtype: 'A' }),
      dns({ type: 'answer', rcode: 'NOERROR', ...rr('192.0.2.1') }, { ...back, ...later }),
      dns({ type: 'answer', rcode: 'NOERROR', ...rr('192.0.2.2') }, { ...back, ...later }),
    ],
    v2: [
      dns({ version: 2, type: 'query', rrname: 'a.example', rrtype: 'A' }),
      dns(
        {
          version: 2,
          type: 'answer',
          rcode: 'NOERROR',
          rrname: 'a.example',
          rrtype: 'A',
          answers: [rr('192.0.2.1'), rr('192.0.2.2')],
        },
        later,
      ),
    ],
    v3: [
      dns({ version: 3, type: 'request', queries: [{ rrname: 'a.example', rrtype: 'A' }] }),
      dns(
        {
          version: 3,
          type: 'response',
          rcode: 'NOERROR',
          queries: [{ rrname: 'a.example', rrtype: 'A' }],
          answers: [rr('192.0.2.1'), rr('192.0.2.2')],
        },
        later,
      ),
    ],
  }
  for (const [version, events] of Object.entries(versions)) assert.deepEqual(read(...events).hints, [wanted], version)
  const refusedName = read(dns({ version: 2, type: 'answer', rcode: 'NXDOMAIN', rrname: 'x.example', rrtype: 'AAAA' }))
  const [hint] = refusedName.hints
  assert.deepEqual(hint?.kind === 'dns' && [hint.code, hint.type, hint.answers], [3, 28, []])
})

test('TLS, HTTP, SSH and alerts are hints; what is not kept is counted by its type', () => {
  const { hints, passed, refused } = read(
    event('tls', {
      tls: {
        sni: 'A.example',
        version: 'TLS 1.3',
        ja3: { hash: 'aa', string: '771' },
        ja3s: { hash: 'bb' },
        ja4: 't13d1516h2_8daaf6152771_b186095e22b6',
        client_alpns: ['h2', 'http/1.1'],
      },
    }),
    event('http', {
      http: { http_method: 'POST', hostname: 'A.example', url: '/x', http_user_agent: 'curl', status: 201 },
    }),
    event('ssh', { ssh: { client: { proto_version: '2.0', software_version: 'x_1' } } }),
    event('smtp', { smtp: { helo: 'h' } }),
    event('smtp', { dest_port: 587, smtp: { helo: 'h' } }),
    event('alert', { alert: { signature: 'ET X', category: 'C', severity: 1 } }),
    event('alert', {
      ...{ src_ip: '10.0.0.2', src_port: 443, dest_ip: '10.0.0.1', dest_port: 4000, direction: 'to_client' },
      alert: { signature: 'back', category: '', severity: 2 },
    }),
    event('fileinfo', {}),
    event('stats', {}),
    event('stats', {}),
  )
  assert.deepEqual(refused, [])
  assert.deepEqual(passed, { fileinfo: 1, stats: 2, smtp: 1 })
  const said = hints.map(({ at: _, source, target: __, sourcePort: ___, targetPort: ____, proto: _____, ...rest }) => ({
    ...rest,
    from: source[3],
  }))
  const from = 0x0a000001
  assert.deepEqual(said, [
    {
      kind: 'tls',
      serverName: 'a.example',
      version: 'TLSv13',
      ja3: 'aa',
      ja3s: 'bb',
      ja4: 't13d1516h2_8daaf6152771_b186095e22b6',
      protocol: 'h2',
      from,
    },
    { kind: 'http', method: 'POST', host: 'a.example', path: '/x', userAgent: 'curl', status: 201, from },
    { kind: 'login', service: 'ssh', outcome: 'unknown', client: 'SSH-2.0-x_1', from },
    { kind: 'login', service: 'smtp', outcome: 'unknown', client: '', from },
    { kind: 'alert', sensor: 'suricata', signature: 'ET X', category: 'C', severity: 1, from },
    { kind: 'alert', sensor: 'suricata', signature: 'back', category: '', severity: 2, from },
  ])
})

test('spaces between keys and letters beyond ASCII change nothing', () => {
  const spaced = JSON.stringify(event('http', { http: { http_method: 'GET', hostname: 'müller.example' } })).replaceAll(
    '":',
    '": ',
  )
  const [hint] = read(spaced).hints
  assert.equal(hint?.kind === 'http' && hint.host, 'müller.example')
})

test('the quick way over flow events says what parsing says, whatever is in them', () => {
  const text = fc.constantFrom(
    '10.0.0.1',
    'fd00::1',
    'nobody',
    'TCP',
    'UDP',
    'ICMP',
    'tls',
    'failed',
    '02',
    '1b',
    AT,
    'x"y',
    '{',
    '',
    'é',
  )
  const number = fc.oneof(fc.nat(70_000), fc.constantFrom(-1, 1.5, null, 'many', [1]))
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 12 })
  const some = (keys: readonly string[], value: fc.Arbitrary<unknown>) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, maybe(value)])))
  const inner = fc.tuple(
    some(['bytes_toserver', 'bytes_toclient', 'pkts_toserver', 'pkts_toclient'], number),
    fc.record({
      start: fc.oneof({ weight: 9, arbitrary: fc.constant(AT) }, { weight: 1, arbitrary: text }),
      end: maybe(fc.constant(AT)),
      state: maybe(text),
    }),
  )
  const tcp = some(['tcp_flags', 'tcp_flags_ts', 'tcp_flags_tc'], fc.constantFrom('02', '1b', '14', '00', 'zz', '{'))
  const outer = fc.record({
    proto: fc.constantFrom('TCP', 'UDP', 'ICMP', 'SCTP'),
    src_ip: fc.oneof({ weight: 9, arbitrary: fc.constant('10.0.0.1') }, { weight: 1, arbitrary: text }),
    src_port: fc.oneof({ weight: 9, arbitrary: fc.nat(65_535) }, { weight: 1, arbitrary: number }),
    app_proto: maybe(text),
    tunnel: fc.option(fc.record({ src_ip: text }), { nil: undefined, freq: 2 }),
  })
  let quick = 0
  fc.assert(
    fc.property(
      outer,
      inner,
      fc.option(tcp, { nil: undefined }),
      fc.boolean(),
      (head, [counts, rest], flags, isLast) => {
        const flow = { ...counts, ...rest }
        const one = isLast ? event('flow', { ...head, flow, tcp: flags }) : event('flow', { flow, tcp: flags, ...head })
        const line = JSON.stringify(one)
        // A space behind a colon is all it takes to be parsed.
        const slow = read(line.replace('"in_iface":', '"in_iface": ').replace('"event_type":', '"event_type": '))
        assert.deepEqual(read(line), slow)
        const bytes = Buffer.from(line)
        quick += createEveScan().walk(bytes, 0, bytes.length) ? 1 : 0
      },
    ),
    { numRuns: 2_000 },
  )
  assert.ok(quick > 100, `${quick} went the quick way`)
})

test('the quick way over questions and TLS clients says what parsing says', () => {
  const text = fc.constantFrom(
    'A',
    'AAAA',
    'example.COM.',
    'x'.repeat(300),
    'TLS 1.3',
    'constructor',
    'a b',
    'é',
    'a\\b',
    '',
  )
  const any = fc.oneof(text, fc.nat(1_000), fc.constantFrom(null, 1.5, true, [], {}, [1], { hash: 'cd' }))
  const often = (value: unknown) =>
    fc.oneof({ weight: 8, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: any })
  const head = fc.record({
    timestamp: often(AT),
    flow_id: often(1_018_107_837_093_411),
    src_port: often(53),
    dest_port: often(5_353),
    src_ip: often('fd00::7'),
    proto: often('UDP'),
    direction: fc.option(fc.constantFrom('to_client', 'to_server'), { nil: undefined, freq: 8 }),
  })
  const dns = fc.record({
    type: often('query'),
    id: often(7),
    rrname: often('Www.Example.com'),
    rrtype: often('A'),
    rcode: fc.option(text, { nil: undefined, freq: 8 }),
    answers: fc.option(fc.constantFrom([], [{ rdata: '1.2.3.4' }]), { nil: undefined, freq: 8 }),
  })
  const tls = fc.record({
    sni: often('Www.Example.com'),
    version: often('TLS 1.2'),
    ja3: often({ hash: 'ab', string: '1,2' }),
    ja4: often('t13d'),
    client_alpns: fc.option(fc.constant(['h2']), { nil: undefined, freq: 8 }),
  })
  let quick = 0
  const same = (line: string) => {
    const slow = read(line.replace('"in_iface":', '"in_iface": '), line.replace('"in_iface":', '"in_iface": '))
    assert.deepEqual(read(line, line), slow)
    const bytes = Buffer.from(line)
    quick += createEveScan().walk(bytes, 0, bytes.length) ? 1 : 0
  }
  fc.assert(
    fc.property(head, dns, tls, (ends, question, client) => {
      same(JSON.stringify(event('dns', { ...ends, dns: question })))
      same(JSON.stringify(event('tls', { ...ends, tls: client })))
    }),
    { numRuns: 1_000 },
  )
  assert.ok(quick > 100, `${quick} went the quick way`)
})

test('what is refused says why', () => {
  const { refused } = read(
    '{"event_type":"flow"',
    '[1]',
    '{"timestamp":"x"}',
    event('flow', {}),
    event('flow', { flow: {}, src_ip: 'nobody' }),
    flow('02', '', { src_port: 70_000 }),
    event('flow', { flow: { start: 'soon', bytes_toserver: 1 } }),
    event('flow', { flow: { start: AT, bytes_toserver: 'many' } }),
    event('tls', { src_ip: null, tls: {} }),
  )
  assert.deepEqual(refused, [
    'not a JSON object',
    'no event_type',
    'no event_type',
    'a flow event without its flow',
    'a flow event without two addresses',
    'a port is no port',
    'the time of its start is no time',
    'a flow event without its counts',
    'a tls event without a time, two addresses and two ports',
  ])
})

test('times: any zone, any fraction, nothing else', () => {
  const times = createEveTimes()
  const ms = fc.integer({ min: 0, max: 4_000_000_000_000 })
  fc.assert(
    fc.property(ms, (at) => {
      const text = new Date(at).toISOString()
      assert.ok(Math.abs(times.of(text.replace('Z', '123+0000')) - at - 0.123) < 0.001)
      assert.equal(times.of(text), at)
      for (const one of [
        text,
        text.replace('Z', '123+0000'),
        text.replace(/\..*/, '-0330'),
        text.replace(/:..\./, ':6x.'),
      ]) {
        const bytes = Buffer.from(`"${one}"`)
        assert.deepEqual(times.at(bytes, 1, bytes.length - 1), createEveTimes().of(one))
      }
    }),
  )
  assert.equal(times.of('2026-11-21T09:00:00-0530'), Date.UTC(2026, 10, 21, 14, 30))
  for (const wrong of [
    '',
    'soon',
    '2026-11-21',
    '2026-13-21T09:00:00+0000',
    '2026-11-21T09:00:61Z',
    '2026-11-21T09:00:0xZ',
  ])
    assert.ok(Number.isNaN(times.of(wrong)), wrong)
})

test('names of strangers come out plain; no cut and no garbage throws', () => {
  for (const name of HOSTILE_NAMES) {
    const { hints } = read(
      event('http', { http: { hostname: name, url: name, http_user_agent: name, http_method: name } }),
      event('alert', { alert: { signature: name, category: name } }),
    )
    for (const text of hints.flatMap((hint) => Object.values(hint)))
      if (typeof text === 'string') assert.doesNotMatch(text, FORBIDDEN)
  }
  const whole = Buffer.from(JSON.stringify(flow('1b', '1b')))
  fc.assert(
    fc.property(fc.nat(whole.length), fc.nat(whole.length - 1), fc.nat(255), (cut, at, value) => {
      const bytes = Buffer.from(whole)
      bytes[at] = value
      read(bytes.subarray(0, cut).toString('latin1'), bytes.toString('latin1'))
    }),
  )
  const anything = fc.anything({ withNullPrototype: false })
  fc.assert(
    fc.property(
      fc.constantFrom('flow', 'netflow', 'dns', 'tls', 'quic', 'http', 'ssh', 'smtp', 'alert'),
      anything,
      anything,
      (type, inner, port) => {
        read(
          event(type, { [type]: inner, src_port: port }),
          event(type, { [type]: { [type]: inner, answers: inner, queries: inner } }),
        )
      },
    ),
  )
})
