import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { FORBIDDEN, HOSTILE_NAMES } from '../../../test/corpus/hostile-names.ts'
import { DATA, needData } from '../../../test/need.ts'
import { formatAddress } from '../../model/address.ts'
import { createFlowBatch, FLOW_STATES } from '../../model/flow.ts'
import { createServiceNames } from '../source.ts'
import { type CsvMap, csvMapOf, parseCsvMap } from './csv-map.ts'
import { createCsvRows } from './csv-rows.ts'
import { timeOf } from './csv-values.ts'
import { createLines } from './lines.ts'

function read(text: string | Buffer, map: CsvMap | null = null) {
  const csv = createCsvRows(createServiceNames(), map)
  const batch = createFlowBatch(8_192)
  const refused: string[] = []
  const lines = createLines()
  const take = (bytes: Buffer, from: number, to: number) => {
    const why = csv.take(batch, bytes, from, to)
    if (why !== null) refused.push(why.why)
  }
  lines.push(Buffer.from(text), take, () => refused.push('too long'))
  lines.end(take)
  const rows = Array.from({ length: batch.count }, (_, row) => ({
    at: batch.start[row],
    lasts: Math.round((batch.end[row]! - batch.start[row]!) * 1e3) / 1e3,
    ends: `${formatAddress(batch.source, row * 4)}:${batch.sourcePort[row]} ${formatAddress(batch.target, row * 4)}:${batch.targetPort[row]}`,
    proto: batch.proto[row],
    state: FLOW_STATES[batch.state[row]!],
    amounts: [batch.bytesOut[row], batch.bytesIn[row], batch.packetsOut[row], batch.packetsIn[row]],
  }))
  return { rows, refused, passed: Object.fromEntries(csv.passed) }
}

const HEADER =
  'StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,SrcPkts,Label'
const argus = (over: Readonly<Record<string, string>> = {}) => {
  const row: Record<string, string> = {
    StartTime: '2018/09/27 22:40:52.250000',
    Dur: '1.5',
    Proto: 'tcp',
    SrcAddr: '10.0.0.1',
    Sport: '4000',
    Dir: '   ->',
    DstAddr: '10.0.0.2',
    Dport: '80',
    State: 'FSPA_FSPA',
    sTos: '0',
    dTos: '',
    TotPkts: '10',
    TotBytes: '1000',
    SrcBytes: '400',
    SrcPkts: '6',
    Label: '',
    ...over,
  }
  return HEADER.split(',')
    .map((name) => row[name])
    .join(',')
}
const one = (over: Readonly<Record<string, string>> = {}) => read(`${HEADER}\n${argus(over)}\n`).rows[0]!

test('binetflow: a row of Argus, its totals shared out by direction', () => {
  assert.deepEqual(one(), {
    at: Date.UTC(2018, 8, 27, 22, 40, 52, 250),
    lasts: 1_500,
    ends: '10.0.0.1:4000 10.0.0.2:80',
    proto: 6,
    state: 'SF',
    amounts: [400, 600, 6, 4],
  })
})

test('outcomes of Argus as Zeek would say them', () => {
  const tcp: Readonly<Record<string, string>> = {
    FSPA_FSPA: 'SF',
    S_: 'S0',
    S_RA: 'REJ',
    SRPA_SPA: 'RSTO',
    SPA_SRA: 'RSTR',
    SPA_SPA: 'S1',
    FSPA_SPA: 'S2',
    PA_PA: 'none',
    REQ: 'S0',
    ACC: 'S1',
    CON: 'S1',
    CLO: 'SF',
    S0: 'S0',
    RST: 'none',
    hasOwnProperty: 'none',
  }
  for (const [State, wanted] of Object.entries(tcp)) assert.equal(one({ State }).state, wanted, State)
  assert.equal(one({ State: 'CON', Dir: '  <?>' }).state, 'OTH', 'nobody saw who began')
  const udp = (State: string, SrcBytes: string) =>
    one({ Proto: 'udp', State, SrcBytes, SrcPkts: SrcBytes === '1000' ? '10' : '6' }).state
  assert.deepEqual([udp('CON', '400'), udp('INT', '1000'), udp('URP', '1000')], ['SF', 'S0', 'REJ'])
})

test('ICMP by type and code; an arrow to the left turns the row; RTP is UDP', () => {
  assert.equal(one({ Proto: 'icmp', Sport: '0x0008', Dport: '0x7208', State: 'ECO' }).ends, '10.0.0.1:8 10.0.0.2:0')
  assert.equal(one({ Proto: 'icmp', Sport: '0x0403', Dport: '', State: 'URF' }).ends, '10.0.0.1:3 10.0.0.2:4')
  assert.equal(one({ Proto: 'icmp', Sport: '', Dport: '', State: 'MAS' }).ends, '10.0.0.1:17 10.0.0.2:0')
  const turned = one({ Dir: '  <-' })
  assert.deepEqual([turned.ends, turned.amounts], ['10.0.0.2:80 10.0.0.1:4000', [600, 400, 4, 6]])
  assert.equal(one({ Proto: 'rtp' }).proto, 17)
})

test('what is no flow is counted, what is broken refused, and nothing stops', () => {
  const { rows, refused, passed } = read(
    [
      HEADER,
      argus({ Proto: 'arp' }),
      argus({ SrcAddr: '10.0.0.256' }),
      argus({ StartTime: '2018/02/30 00:00:00' }),
      argus({ Dport: '99999' }),
      argus({ TotBytes: '-3' }),
      'a,b',
      argus(),
    ].join('\r\n'),
  )
  assert.deepEqual([rows.length, passed], [1, { arp: 1 }])
  assert.deepEqual(refused, [
    'the source is no address',
    'the time of its start is no time',
    'a port is no port',
    'a count or the duration is no number',
    'not 16 columns as the header says',
  ])
})

const given = (text: string) => {
  const map = parseCsvMap(text)
  assert.ok(map.ok, JSON.stringify(map))
  return map.value
}

test('any CSV with a mapping: quotes, semicolons, units, a file of the mapping', () => {
  const map = given('start=When:ms,duration=Took:us,proto=P,source=From,target=To,targetPort="Port" no,bytesOut=Up')
  const { rows, refused } = read(
    '"When";"From";"To";"""Port"" no";"P";"Took";"Up"\n1700000000250;"10.0.0.1";fd00::1;443;6;1500;"7"\n',
    map,
  )
  assert.deepEqual(refused, [])
  assert.deepEqual(rows, [
    {
      at: 1_700_000_000_250,
      lasts: 1.5,
      ends: '10.0.0.1:0 fd00::1:443',
      proto: 6,
      state: 'none',
      amounts: [7, 0, 0, 0],
    },
  ])
  assert.deepEqual(csvMapOf({ start: 'A', source: 'B', target: 'C', proto: 'D' }), {
    ok: true,
    value: given('start=A,source=B,target=C,proto=D'),
  })
})

test('mistakes in a mapping are said with the cure', () => {
  const said = (text: string) => {
    const map = parseCsvMap(text)
    return map.ok ? 'fine' : `${map.why} | ${map.cure}`
  }
  assert.deepEqual(
    [said('StartTime'), said('sorce=A'), said('start=A'), said('start=')],
    [
      '"StartTime" of the mapping names no column | Write field=Column, such as start=StartTime.',
      'the mapping has "sorce", which is no field | Fields are start, end, duration, proto, source, sourcePort, target, targetPort, direction, state, flags, service, bytes, bytesOut, bytesIn, packets, packetsOut, packetsIn.',
      'the mapping lacks source, target, proto | Add source=COLUMN,target=COLUMN,proto=COLUMN.',
      'the mapping of start names no column | Write the column as the file’s header has it.',
    ],
  )
  const map = given('start=A,source=B,target=C,proto=D')
  assert.deepEqual(read('A,B,X,D\n1,2,3,4\n', map).refused[0], 'no column "C" for target; the header has A, B, X, D')
  assert.match(read('A,B,X,D\n1,2,3,4\n').refused[0]!, /^the header is not known: it has A, B, X, D; give --csv-map/)
})

test('times as tools write them', () => {
  const at = Date.UTC(2018, 8, 27, 22, 40, 52)
  const same = [
    '2018/09/27 22:40:52',
    '2018-09-27T22:40:52Z',
    '2018-09-28 00:40:52+02:00',
    `${at / 1e3}`,
    `${at}`,
    `${at}000`,
  ]
  for (const text of same) assert.equal(timeOf(text, null), at, text)
  assert.equal(timeOf('27/09/2018 10:40:52 PM', 'dmy'), at)
  assert.equal(timeOf('9/27/2018 22:40:52', 'mdy'), at)
  for (const text of ['', '-', '27/09/2018 10:40:52', '2018/13/01 00:00:00', '1e9', 'NaN'])
    assert.ok(Number.isNaN(timeOf(text, null)), text)
})

test('no cut, no garbage and no name throws or is repeated as it is', () => {
  const whole = Buffer.from(`${HEADER}\n${argus()}\n${argus()}\n`)
  fc.assert(
    fc.property(fc.nat(whole.length), fc.nat(whole.length - 1), fc.nat(255), (cut, at, value) => {
      const bytes = Buffer.from(whole)
      bytes[at] = value
      for (const why of [...read(bytes.subarray(0, cut)).refused, ...read(bytes).refused])
        assert.doesNotMatch(why, FORBIDDEN)
    }),
  )
  for (const name of HOSTILE_NAMES)
    for (const why of read(`${name},a,b,c\n1,2,3,4\n`).refused) assert.doesNotMatch(why, FORBIDDEN)
})

test('every row of real binetflow files is a flow or of a kind that is none', { skip: needData('flows/slips') }, () => {
  const files = globSync(`${DATA}/flows/slips/*.binetflow*`)
  assert.ok(files.length >= 3)
  for (const file of files) {
    const bytes = readFileSync(file)
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')
    const { rows, refused, passed } = read(text)
    assert.deepEqual(refused, [], file)
    const others = Object.values(passed).reduce((sum, n) => sum + n, 0)
    assert.equal(rows.length + others, text.split('\n').filter((line) => line !== '').length - 1, file)
  }
})
