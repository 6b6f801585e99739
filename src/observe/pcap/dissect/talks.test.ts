import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, ethernet, pcapFile, tcp, udp } from '../../../../test/pcap-writer.ts'
import type { Hint } from '../../../model/hint.ts'
import { conversations } from '../conversations.fixture.ts'

const ENDS = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 40_000 }

type Line = readonly ['client' | 'server', string | Uint8Array]
/** A TCP conversation in which each said that, in segments of at most `bytes`. */
function talk(
  toPort: number,
  lines: readonly Line[],
  { bytes = 1_400, order = 'kept' }: { bytes?: number; order?: 'kept' | 'turned' } = {},
): Uint8Array {
  const next = { client: 1, server: 1 }
  const frames: Uint8Array[] = []
  const put = (by: 'client' | 'server', flags: string, data: Uint8Array = new Uint8Array(0)) => {
    const peer = by === 'client' ? 'server' : 'client'
    const ends =
      by === 'client' ? { ...ENDS, toPort } : { from: ENDS.to, to: ENDS.from, fromPort: toPort, toPort: ENDS.fromPort }
    const ack = flags === 'S' ? 0 : next[peer]
    const frame = ethernet(tcp({ ...ends, flags, seq: next[by], ack, data }))
    next[by] += data.length + (flags.includes('S') || flags.includes('F') ? 1 : 0)
    return frame
  }
  frames.push(put('client', 'S'), put('server', 'SA'), put('client', 'A'))
  for (const [by, said] of lines) {
    const data = typeof said === 'string' ? Buffer.from(said, 'latin1') : said
    const parts: Uint8Array[] = []
    for (let at = 0; at < data.length; at += bytes) parts.push(put(by, 'PA', data.subarray(at, at + bytes)))
    frames.push(...(order === 'kept' ? parts : parts.toReversed()))
  }
  frames.push(put('client', 'FA'), put('server', 'FA'))
  return pcapFile(frames.map((frame, i) => ({ atMs: i * 10, bytes: frame })))
}

const of = <K extends Hint['kind']>(hints: readonly Hint[], kind: K) =>
  hints.filter((hint): hint is Extract<Hint, { kind: K }> => hint.kind === kind)
const u16 = (n: number) => [n >> 8, n & 255]
const vector = (body: readonly number[]) => [...u16(body.length), ...body]
const text = (said: string) => [...Buffer.from(said)]

function hello(name: string, padding: number): Uint8Array {
  const extension = (type: number, body: readonly number[]) => [...u16(type), ...vector(body)]
  const extensions = [
    ...extension(0, vector([0, ...vector(text(name))])),
    ...extension(16, vector([2, ...text('h2')])),
    ...extension(43, [2, 3, 4]),
    ...extension(21, new Array<number>(padding).fill(0)),
  ]
  const body = [3, 3, ...new Array<number>(32).fill(1), 0, ...vector([0x13, 1, 0x13, 2]), 1, 0, ...vector(extensions)]
  const message = [1, 0, ...vector(body)]
  return Uint8Array.from([22, 3, 1, ...vector(message)])
}
function serverHello(): Uint8Array {
  const body = [3, 3, ...new Array<number>(32).fill(2), 0, 0x13, 1, 0, ...vector([0, 43, 0, 2, 3, 4])]
  return Uint8Array.from([22, 3, 3, ...vector([2, 0, ...vector(body)])])
}

for (const [how, options] of Object.entries({
  'in one segment': {},
  'in many': { bytes: 100 },
  'in many, the wrong way round': { bytes: 300, order: 'turned' },
} as const))
  test(`a TLS client's hello ${how}`, () => {
    const file = talk(
      443,
      [
        ['client', hello('Shop.example', 1_000)],
        ['server', serverHello()],
      ],
      options,
    )
    const { hints, lines } = conversations(file)
    const [said, ...more] = of(hints, 'tls')
    assert.deepEqual(more, [])
    assert.equal(said!.serverName, 'shop.example')
    assert.equal(said!.version, 'TLSv13')
    assert.equal(said!.protocol, 'h2')
    assert.match(said!.ja4, /^t13d0204h2_/)
    assert.match(said!.ja3, /^[0-9a-f]{32}$/)
    assert.match(said!.ja3s, /^[0-9a-f]{32}$/)
    assert.equal(said!.sourcePort, 40_000)
    assert.match(lines[0]!, / ssl$/)
  })

test('a hello nobody answers is told at the end', () => {
  const [said] = of(conversations(talk(443, [['client', hello('a.example', 0)]])).hints, 'tls')
  assert.equal(said!.serverName, 'a.example')
  assert.equal(said!.ja3s, '')
})

test('requests of one connection wait for their answers, in order', () => {
  const ask = (path: string, more = '') =>
    `GET ${path} HTTP/1.1\r\nHost: Shop.example\r\nUser-Agent: test/1\r\n${more}\r\n`
  const { hints, lines } = conversations(
    talk(8_080, [
      ['client', ask('/one')],
      ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
      ['client', ask('/two', 'Authorization: Basic c2VjcmV0\r\n')],
      ['server', 'HTTP/1.1 401 Unauthorized\r\n\r\n'],
      ['client', ask('/three')],
    ]),
  )
  const said = of(hints, 'http').map(
    ({ method, host, path, status, userAgent }) => `${method} ${host}${path} ${status} ${userAgent}`,
  )
  assert.deepEqual(said, [
    'GET shop.example/one 200 test/1',
    'GET shop.example/two 401 test/1',
    'GET shop.example/three 0 test/1',
  ])
  const [login] = of(hints, 'login')
  assert.equal(login!.outcome, 'refused')
  assert.ok(!JSON.stringify(hints).includes('c2VjcmV0'), 'credentials are not kept')
  assert.match(lines[0]!, / http$/)
})

test('a request over two segments, and terminal escapes in it', () => {
  const request = 'GET /\x1b[2J HTTP/1.1\r\nHost: evil\x1b]0;x\x07.example\r\nUser-Agent: a\r\n\r\n'
  const [said] = of(conversations(talk(80, [['client', request]], { bytes: 20 })).hints, 'http')
  assert.equal(said!.host, 'evil ]0;x .example')
  assert.equal(said!.path, '/ [2J')
})

const LOGINS: readonly {
  readonly port: number
  readonly lines: readonly Line[]
  readonly told: readonly string[]
  readonly service: string
}[] = [
  {
    port: 21,
    lines: [
      ['server', '220 FTP here\r\n'],
      ['client', 'USER bob\r\n'],
      ['server', '331 and?\r\n'],
      ['client', 'PASS sesame\r\n'],
      ['server', '530 no\r\n'],
      ['client', 'PASS sesame2\r\n'],
      ['server', '230 come in\r\n'],
    ],
    told: ['ftp refused', 'ftp accepted'],
    service: 'ftp',
  },
  {
    port: 587,
    lines: [
      ['server', '220 mail ESMTP\r\n'],
      ['client', 'EHLO me\r\n'],
      ['server', '250-mail\r\n250 AUTH PLAIN\r\n'],
      ['client', 'AUTH PLAIN AGJvYgBzZXNhbWU=\r\n'],
      ['server', '535 no\r\n'],
    ],
    told: ['smtp refused'],
    service: 'smtp',
  },
  {
    port: 110,
    lines: [
      ['server', '+OK pop\r\n'],
      ['client', 'USER bob\r\n'],
      ['server', '+OK\r\n'],
      ['client', 'PASS sesame\r\n'],
      ['server', '-ERR no\r\n'],
    ],
    told: ['other refused'],
    service: 'pop3',
  },
  {
    port: 143,
    lines: [
      ['server', '* OK imap\r\n'],
      ['client', 'a1 LOGIN bob sesame\r\n'],
      ['server', '* CAPABILITY X\r\na1 OK\r\n'],
    ],
    told: ['other accepted'],
    service: 'imap',
  },
  {
    port: 22,
    lines: [
      ['server', 'SSH-2.0-OpenSSH_9.2\r\n'],
      ['client', 'SSH-2.0-libssh_0.10\r\n'],
    ],
    told: ['ssh unknown'],
    service: 'ssh',
  },
]
for (const { port, lines, told, service } of LOGINS)
  test(`log-ins over ${service}: what became of them, nothing of what was said`, () => {
    const read = conversations(talk(port, lines))
    assert.deepEqual(
      of(read.hints, 'login').map((hint) => `${hint.service} ${hint.outcome}`),
      told,
    )
    assert.ok(read.lines[0]!.endsWith(` ${service}`), read.lines[0])
    assert.doesNotMatch(JSON.stringify(read.hints), /bob|sesame|AGJv/)
  })

const QUESTION = [3, ...text('www'), 7, ...text('example'), 0, 0, 1, 0, 1]
const asked = (id: number) => Uint8Array.from([...u16(id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...QUESTION])
const answered = (id: number, code: number) =>
  Uint8Array.from([
    ...u16(id),
    0x81,
    0x80 | code,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    0,
    ...QUESTION,
    0xc0,
    12,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    9,
    0,
    4,
    192,
    0,
    2,
    1,
  ])

test('questions and answers over UDP: matched by id, what nobody answered at the end', () => {
  const client = { ...ENDS, toPort: 53 }
  const server = { from: ENDS.to, to: ENDS.from, fromPort: 53, toPort: ENDS.fromPort }
  const packets = [udp(client, asked(1)), udp(client, asked(2)), udp(server, answered(2, 0))]
  const { hints } = conversations(pcapFile(packets.map((bytes, i) => ({ atMs: i * 5, bytes: ethernet(bytes) }))))
  assert.deepEqual(
    of(hints, 'dns').map(({ query, code, answers, answeredMs }) => ({ query, code, answers, answeredMs })),
    [
      { query: 'www.example', code: 0, answers: ['192.0.2.1'], answeredMs: 5 },
      { query: 'www.example', code: -1, answers: [], answeredMs: -1 },
    ],
  )
})

test('DNS over TCP, two messages in a segment and one over three', () => {
  const framed = (message: Uint8Array) => Uint8Array.from([...u16(message.length), ...message])
  const file = talk(
    53,
    [
      ['client', concat([framed(asked(7)), framed(asked(8))])],
      ['server', concat([framed(answered(7, 3)), framed(answered(8, 0))])],
    ],
    {
      bytes: 30,
    },
  )
  assert.deepEqual(
    of(conversations(file).hints, 'dns').map(({ code }) => code),
    [3, 0],
  )
})

test('a request in the middle of a connection whose beginning was not captured tells who the client is', () => {
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  const frame = ethernet(
    tcp({ from: '10.0.0.1', to: '10.0.0.2', fromPort: 80, toPort: 5_000, flags: 'PA', seq: 9, ack: 9, data: request }),
  )
  const { lines } = conversations(pcapFile([{ atMs: 0, bytes: frame }]))
  assert.match(lines[0]!, /^10\.0\.0\.1:80 > 10\.0\.0\.2:5000 /)
})
