import assert from 'node:assert/strict'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { FORBIDDEN, HOSTILE_NAMES } from '../../../test/corpus/hostile-names.ts'
import { DATA, needData } from '../../../test/need.ts'
import { formatAddress } from '../../model/address.ts'
import { createFlowBatch, FLOW_STATES } from '../../model/flow.ts'
import { createServiceNames } from '../source.ts'
import { createLines, MAX_LINE_BYTES } from './lines.ts'
import { createFileSource } from './open.ts'
import { createZeekRows } from './zeek-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'guise-zeek-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const FIELDS = [
  'ts',
  'uid',
  'id.orig_h',
  'id.orig_p',
  'id.resp_h',
  'id.resp_p',
  'proto',
  'service',
  'duration',
  'orig_bytes',
  'resp_bytes',
  'conn_state',
  'orig_pkts',
  'orig_ip_bytes',
  'resp_pkts',
  'resp_ip_bytes',
]
const HEADER = `#separator \\x09\n#path\tconn\n#fields\t${FIELDS.join('\t')}\n#types\ttime\n`
const line = (ts: number, over: Record<string, string> = {}) => {
  const row: Record<string, string> = {
    ts: `${ts}.5`,
    uid: 'C1',
    'id.orig_h': '10.0.0.1',
    'id.orig_p': '4000',
    'id.resp_h': '2001:db8::7',
    'id.resp_p': '443',
    proto: 'tcp',
    service: 'ssl',
    duration: '2.25',
    orig_bytes: '10',
    resp_bytes: '20',
    conn_state: 'SF',
    orig_pkts: '3',
    orig_ip_bytes: '130',
    resp_pkts: '4',
    resp_ip_bytes: '-',
    ...over,
  }
  return `${FIELDS.map((name) => row[name]).join('\t')}\n`
}

/** Writes the files into a fresh folder and reads it whole. */
async function read(files: Record<string, string | Buffer>) {
  const dir = mkdtempSync(join(folder, 'case-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  return readPaths([dir])
}

async function readPaths(paths: string[]) {
  const services = createServiceNames()
  const source = createFileSource({ paths, services })
  const rows: {
    start: number
    end: number
    from: string
    to: string
    service: string | null
    state: string
    out: number
    in: number
    marks: number
  }[] = []
  for await (const batch of source.batches(new AbortController().signal))
    for (let row = 0; row < batch.count; row++)
      rows.push({
        start: batch.start[row]!,
        end: batch.end[row]!,
        from: formatAddress(batch.source, row * 4),
        to: formatAddress(batch.target, row * 4),
        service: services.nameOf(batch.service[row]!),
        state: FLOW_STATES[batch.state[row]!]!,
        out: batch.bytesOut[row]!,
        in: batch.bytesIn[row]!,
        marks: batch.marks[row]!,
      })
  return { rows, source }
}

test('TSV: columns as #fields says, IP-layer bytes where known', async () => {
  const { rows, source } = await read({ 'conn.log': HEADER + line(1_700_000_000) })
  assert.deepEqual(rows, [
    {
      start: 1_700_000_000_500,
      end: 1_700_000_002_750,
      from: '10.0.0.1',
      to: '2001:db8::7',
      service: 'ssl',
      state: 'SF',
      out: 130,
      in: 20,
      marks: 1,
    },
  ])
  assert.equal(source.counters.refused, 0)
})

test('fields in any order, Windows line ends, no newline at the end, gzip', async () => {
  const order = [...FIELDS].reverse()
  const row = line(1_700_000_000).trimEnd().split('\t').reverse().join('\t')
  const text = `#separator \\x09\r\n#fields\t${order.join('\t')}\r\n${row}`
  const { rows } = await read({ 'conn.log.gz': gzipSync(text) })
  assert.equal(rows.length, 1)
  assert.equal(rows[0]!.to, '2001:db8::7')
})

test('JSON as Zeek and as shippers write it', async () => {
  const { rows } = await read({
    'conn.log': `{"ts":1700000000.5,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":2,"proto":"udp","conn_state":"S0","orig_bytes":5}\n{"@stream":"conn","ts":"2023-11-14T22:13:20.500Z","id_orig_h":"10.0.0.1","id_orig_p":1,"id_resp_h":"10.0.0.2","id_resp_p":2,"proto":"udp"}\n{"_path":"dns","ts":1}\n`,
  })
  assert.deepEqual(
    rows.map((row) => [row.start, row.state, row.out]),
    [
      [1_700_000_000_500, 'S0', 5],
      [1_700_000_000_500, 'none', 0],
    ],
  )
})

test('hourly files in nested folders come in time order, overlapping ones merged, other logs passed over', async () => {
  const { rows, source } = await read({
    'b/conn.01.log': HEADER + line(5_000) + line(5_002),
    'a/conn.09.log.gz': gzipSync(HEADER + line(9_000)),
    'z/conn.log': HEADER + line(1_000),
    'x/S2_conn.log': HEADER + line(4_999) + line(5_001) + line(5_003),
    'x/dns.log': 'x',
    'x/open_conn.log': HEADER + line(5_000),
  })
  assert.deepEqual(
    rows.map((row) => row.start),
    [1_000_500, 4_999_500, 5_000_500, 5_001_500, 5_002_500, 5_003_500, 9_000_500],
  )
  assert.equal(source.files, 4)
  assert.equal(
    [...source.skipped.values()].reduce((a, b) => a + b, 0),
    2,
  )
})

test('bad lines are refused with file, line, offset and reason, and stop nothing', async () => {
  const bad = [
    line(1).replace('\ttcp', ''),
    line(2, { 'id.orig_h': '300.1.1.1' }),
    line(3, { 'id.resp_h': '../../etc/passwd' }),
    line(4, { ts: '-' }).replace('-.5', '-'),
    line(5, { 'id.orig_p': '70000' }),
    line(6, { orig_pkts: '1e9' }),
    line(7, { duration: 'NaN' }),
    '\u0000\u0001\u0002\n',
    `${'x'.repeat(MAX_LINE_BYTES + 10)}\n`,
  ]
  const { rows, source } = await read({ 'conn.log': HEADER + bad.map((text, i) => text + line(100 + i)).join('') })
  assert.equal(rows.length, bad.length)
  assert.equal(source.counters.refused, bad.length)
  const [first] = source.counters.refusals
  assert.match(first!.file, /conn\.log$/)
  assert.deepEqual([first!.line, first!.offset], [5, HEADER.length])
  for (const { why } of source.counters.refusals) assert.doesNotMatch(why, FORBIDDEN)
})

test('at most twenty examples, all counted', async () => {
  const { source } = await read({ 'conn.log': HEADER + 'x\n'.repeat(500) })
  assert.equal(source.counters.refused, 500)
  assert.equal(source.counters.refusals.length, 20)
})

test('a file without header, of another kind, or lacking a field is refused whole, once; the others are read', async () => {
  const { rows, source } = await read({
    '1/conn.log': line(1) + line(2),
    '2/conn.log': '#path\tdns\n#fields\tts\tid.orig_h\n3\t10.0.0.1\n',
    '3/conn.log': `#fields\tts\tuid\n1\t2\n`,
    '4/conn.log': HEADER + line(4),
    '5/conn.log': '',
  })
  assert.equal(rows.length, 1)
  assert.equal(source.counters.refused, 3)
})

test('a truncated gzip gives the rows before the cut and one refusal', async () => {
  const whole = gzipSync(
    HEADER + Array.from({ length: 20_000 }, (_, i) => line(1_000 + i, { uid: `C${(i * 7919) % 10_007}` })).join(''),
  )
  const { rows, source } = await read({ 'conn.log.gz': whole.subarray(0, whole.length >> 1) })
  assert.ok(rows.length > 1_000 && rows.length < 20_000, `${rows.length} rows`)
  assert.ok(source.counters.refusals.some(({ why }) => why.startsWith('reading stopped')))
})

test('what is not there or cannot be read is refused, never thrown', async () => {
  const { rows, source } = await readPaths([join(folder, 'nowhere'), '/dev/null'])
  assert.equal(rows.length, 0)
  assert.equal(source.counters.refused, 2)
})

test('hostile service names come out plain, from TSV and JSON', async () => {
  const tsv = HOSTILE_NAMES.filter((name) => !/[\n\t]/.test(name)).map((service) => line(1, { service }))
  const json = HOSTILE_NAMES.map(
    (service) =>
      `${JSON.stringify({ ts: 1, 'id.orig_h': '10.0.0.1', 'id.orig_p': 1, 'id.resp_h': '10.0.0.2', 'id.resp_p': 2, proto: 'tcp', service })}\n`,
  )
  const { rows } = await read({ 'a/conn.log': HEADER + tsv.join(''), 'b/conn.log': json.join('') })
  assert.ok(rows.length > 100)
  for (const { service } of rows)
    if (service !== null) {
      assert.doesNotMatch(service, FORBIDDEN)
      assert.ok(service.length <= 32)
    }
})

test('the table of service names is bounded', () => {
  const names = createServiceNames()
  const codes = Array.from({ length: 10_000 }, (_, i) => names.intern(`service ${i}`))
  assert.equal(new Set(codes.filter((code) => code > 0)).size, 4_096)
  assert.equal(codes.at(-1), 0)
  assert.equal(names.intern('service 7'), codes[7])
})

test('no bytes, however cut into chunks, stop the reader or change the lines', () => {
  const text = Buffer.from(HEADER + line(1) + line(2))
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.nat(300).map((n) => text.subarray(0, n)),
          fc.constant(text),
        ),
        { maxLength: 12 },
      ),
      fc.array(fc.nat(100), { minLength: 1, maxLength: 8 }),
      (parts, cuts) => {
        const bytes = Buffer.concat(parts)
        const lines = createLines()
        const rows = createZeekRows(createServiceNames())
        const batch = createFlowBatch(64)
        const seen: string[] = []
        const take = (chunk: Buffer, from: number, to: number) => {
          seen.push(chunk.toString('latin1', from, to))
          rows.take(batch, chunk, from, to)
        }
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length]! + 1
          lines.push(Buffer.from(bytes.subarray(at, at + size)), take, () => {})
          at += size
        }
        lines.end(take)
        const split = bytes.toString('latin1').split('\n')
        // After the last newline there is no line; a carriage return alone is one, and empty.
        if (split.at(-1) === '') split.pop()
        assert.deepEqual(
          seen,
          split.map((one) => one.replace(/\r$/, '')),
        )
      },
    ),
  )
})

const SAMPLES = 'formats/zeek-pcap-to-conn'
test('every conn log Zeek itself must produce is read without a refusal', { skip: needData(SAMPLES) }, async () => {
  // Zeek's baselines mask what differs between runs, and some are cut down to a few columns without a header.
  const texts = globSync(`${DATA}/${SAMPLES}/*/conn.log`)
    .map((path) => readFileSync(path, 'latin1').replace(/^X{10}\.X{6}/gm, '1700000000.5'))
    .filter((text) => /^#fields\t.*id\.orig_h/m.test(text))
  const expected = texts.flatMap((text) => text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))).length
  assert.ok(texts.length > 50 && expected > 200, `${texts.length} logs, ${expected} rows`)
  const { rows, source } = await read(Object.fromEntries(texts.map((text, i) => [`${i}/conn.log`, text])))
  assert.deepEqual(source.counters.refusals, [])
  assert.equal(rows.length, expected)
})

const ZAT = 'formats/zat-zeek-logs/conn.log'
test('a log with columns of an old Zeek is read, too', { skip: needData(ZAT) }, async () => {
  const { rows, source } = await readPaths([`${DATA}/${ZAT}`])
  assert.deepEqual(source.counters.refusals, [])
  assert.ok(rows.length > 20)
})
