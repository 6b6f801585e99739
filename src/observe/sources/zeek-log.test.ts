import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { FORBIDDEN, HOSTILE_NAMES } from '../../../test/corpus/hostile-names.ts'
import { DATA, needData } from '../../../test/need.ts'
import { createFlowBatch } from '../../model/flow.ts'
import type { Hint } from '../../model/hint.ts'
import { createServiceNames } from '../source.ts'
import { createLines } from './lines.ts'
import { createZeekLog } from './zeek-log.ts'

function read(text: string | Buffer, name?: string) {
  const log = createZeekLog(createServiceNames(), name)
  const batch = createFlowBatch(256)
  const refused: string[] = []
  const lines = createLines()
  const take = (bytes: Buffer, from: number, to: number) => {
    const why = log.take(batch, bytes, from, to)
    if (why !== null) refused.push(why.why)
  }
  lines.push(Buffer.from(text), take, () => refused.push('too long'))
  lines.end(take)
  return { hints: batch.hints, rows: batch.count, refused, passed: Object.fromEntries(log.passed) }
}

const ENDS = 'ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p'
const tsv = (path: string, fields: string, ...rows: string[]) =>
  `#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t${path}\n#fields\t${ENDS}\t${fields}\n#types\ttime\n${rows.map((row) => `1700000000.25\tC1\t10.0.0.1\t4000\t10.0.0.2\t25\t${row}\n`).join('')}`
const json = (path: string, rest: object) =>
  `${JSON.stringify({ _path: path, ts: 1_700_000_000.25, uid: 'C1', 'id.orig_h': '10.0.0.1', 'id.orig_p': 4000, 'id.resp_h': '10.0.0.2', 'id.resp_p': 25, ...rest })}\n`
const ends = {
  at: 1_700_000_000_250,
  source: [0, 0, 0xffff, 0x0a000001],
  target: [0, 0, 0xffff, 0x0a000002],
  sourcePort: 4000,
  targetPort: 25,
  proto: 6,
} as const

/** Each log as TSV and as JSON, and the hint that both must give. */
const CASES: Readonly<Record<string, { tsv: string; json: string; hint: Hint }>> = {
  dns: {
    tsv: tsv('dns', 'proto\tquery\tqtype\trcode\trtt\tanswers', 'udp\tWww.Example.\t1\t0\t0.0125\ta.example,192.0.2.1'),
    json: json('dns', {
      proto: 'udp',
      query: 'Www.Example.',
      qtype: 1,
      rcode: 0,
      rtt: 0.0125,
      answers: ['a.example', '192.0.2.1'],
    }),
    hint: {
      ...ends,
      proto: 17,
      kind: 'dns',
      query: 'www.example',
      type: 1,
      code: 0,
      answers: ['a.example', '192.0.2.1'],
      answeredMs: 12.5,
    },
  },
  ssl: {
    tsv: tsv('ssl', 'version\tserver_name\tnext_protocol\tja3\tja3s', 'TLSv13\tWww.Example\th2\tabc\t-'),
    json: json('ssl', { version: 'TLSv13', server_name: 'Www.Example', next_protocol: 'h2', ja3: 'abc' }),
    hint: {
      ...ends,
      kind: 'tls',
      serverName: 'www.example',
      version: 'TLSv13',
      ja3: 'abc',
      ja3s: '',
      ja4: '',
      protocol: 'h2',
    },
  },
  http: {
    tsv: tsv('http', 'method\thost\turi\tuser_agent\tstatus_code', 'GET\tA.example\t/x?y=1\tcurl/8\t404'),
    json: json('http', { method: 'GET', host: 'A.example', uri: '/x?y=1', user_agent: 'curl/8', status_code: 404 }),
    hint: {
      ...ends,
      kind: 'http',
      method: 'GET',
      host: 'a.example',
      path: '/x?y=1',
      userAgent: 'curl/8',
      status: 404,
    },
  },
  ssh: {
    tsv: tsv('ssh', 'auth_success\tauth_attempts\tclient', 'F\t4\tSSH-2.0-x'),
    json: json('ssh', { auth_success: false, auth_attempts: 4, client: 'SSH-2.0-x' }),
    hint: { ...ends, kind: 'login', service: 'ssh', outcome: 'refused', client: 'SSH-2.0-x' },
  },
  smtp: {
    tsv: tsv('smtp', 'helo\tlast_reply', 'h\t535 5.7.8 authentication failed'),
    json: json('smtp', { helo: 'h', last_reply: '535 5.7.8 authentication failed' }),
    hint: { ...ends, kind: 'login', service: 'smtp', outcome: 'refused', client: '' },
  },
  ftp: {
    tsv: tsv('ftp', 'user\tpassword\tcommand\treply_code', 'bob\tsecret\tPASS\t230'),
    json: json('ftp', { user: 'bob', password: 'secret', command: 'PASS', reply_code: 230 }),
    hint: { ...ends, kind: 'login', service: 'ftp', outcome: 'accepted', client: '' },
  },
}
for (const [name, { tsv: asTsv, json: asJson, hint }] of Object.entries(CASES))
  test(`${name}.log, TSV and JSON, with its own name or without one`, () => {
    assert.deepEqual(read(asTsv), { hints: [hint], rows: 0, refused: [], passed: {} })
    assert.deepEqual(read(asJson).hints, [hint])
    assert.deepEqual(read(asJson.replace(/"_path":"[a-z]+",/, ''), name).hints, [hint])
    assert.doesNotMatch(JSON.stringify(read(asTsv).hints), /secret|bob/)
  })

test('a mail is no log-in, a refused one is, whatever number the server gives it', () => {
  const outcomes = [
    '250 ok',
    '220 2.0.0 Ready',
    '554 5.7.1 bad smtp-auth user',
    '235 2.7.0 ok',
    '550 no such user here',
  ]
  const { hints } = read(tsv('smtp', 'helo\tlast_reply', ...outcomes.map((reply) => `h\t${reply}`)))
  assert.deepEqual(
    hints.map((hint) => hint.kind === 'login' && hint.outcome),
    ['refused', 'accepted'],
  )
})

test('a log of another kind is counted; one that lacks what it must have is refused whole, with the field', () => {
  assert.deepEqual(read(tsv('files', 'fuid', 'F1')).passed, { files: 1 })
  assert.deepEqual(read(tsv('dns', 'proto', 'udp')).refused[0], '#fields of dns lacks query')
  assert.deepEqual(read(json('dns', { 'id.orig_h': 'nobody', query: 'a' })).refused, [
    'a row of dns without a time, two addresses and two ports',
  ])
})

test('two logs in one file are each read as they say', () => {
  const { hints, rows } = read(
    `${CASES.dns!.tsv}${tsv('conn', 'proto\tconn_state', 'tcp\tSF')}${CASES.ssh!.tsv}${CASES.ssh!.tsv}`,
  )
  assert.deepEqual([hints.length, rows], [3, 1])
})

test('names of strangers come out plain and short', () => {
  const lines = HOSTILE_NAMES.map((query) => json('dns', { proto: 'udp', query, answers: [query, query] }))
  const agents = HOSTILE_NAMES.map((user_agent) => json('http', { method: 'GET', user_agent, uri: user_agent }))
  for (const hint of read([...lines, ...agents].join('')).hints)
    for (const text of Object.values(hint).flat())
      if (typeof text === 'string') {
        assert.doesNotMatch(text, FORBIDDEN)
        assert.ok(text.length <= 255)
      }
})

test('no cut and no garbage throws, and what comes after is read', () => {
  const whole = Buffer.from(
    Object.values(CASES)
      .map((one) => one.tsv + one.json)
      .join(''),
  )
  fc.assert(
    fc.property(
      fc.nat(whole.length),
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 20 }),
      (cut, changes) => {
        const bytes = Buffer.from(whole)
        for (const [at, value] of changes) bytes[at] = value
        const { hints } = read(Buffer.concat([bytes.subarray(0, cut), Buffer.from(`\n${CASES.ssh!.tsv}`)]))
        assert.deepEqual(hints.at(-1), CASES.ssh!.hint)
      },
    ),
  )
})

const ZAT = 'formats/zat-zeek-logs/dns.log'
test('every row of a real dns.log is a hint', { skip: needData(ZAT) }, () => {
  const text = readFileSync(`${DATA}/${ZAT}`, 'latin1')
  const { hints, refused } = read(text)
  assert.deepEqual(refused, [])
  assert.equal(hints.length, text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length)
})
