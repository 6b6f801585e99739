import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../test/e2e/installation.ts'
import { needRoot } from '../../test/need.ts'
import type { ServerMessage } from '../model/wire.ts'
import { loadAuthority } from '../server/authority.ts'
import { parseServer, type Server } from './link.ts'
import { createLinkApart, type LinkApart } from './link-apart.ts'
import { pinServer } from './pin.ts'

const skip = needRoot()
const folder = mkdtempSync(join(tmpdir(), 'guise-apart-'))
const said: string[] = []
let server: ReturnType<typeof createServer>
let stream: ServerResponse | null = null
const bodies: string[] = []
let pinned: Extract<Server, { readonly url: URL }>
let apart: LinkApart

before(async () => {
  if (skip !== false) return
  const shown = await (await loadAuthority(join(folder, 'keys'), Date.now)).issue(['127.0.0.1'])
  server = createServer({ ...shown, minVersion: 'TLSv1.3' }, (request, response) => {
    if (request.method === 'GET') {
      stream = response
      response.writeHead(200)
      response.flushHeaders()
      return
    }
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      bodies.push(`${request.headers.authorization} ${text}`)
      response.writeHead(202).end('taken')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const { X509Certificate, createHash } = await import('node:crypto')
  const ca = new X509Certificate(shown.cert.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g)!.at(-1)!)
  const fingerprint = `sha256:${createHash('sha256').update(ca.raw).digest('hex')}`
  apart = createLinkApart((line) => said.push(line))
  const found = await pinServer(folder, parseServer(`https://127.0.0.1:${port}`), fingerprint, apart.contact)
  assert.ok('url' in found && found.ca !== null)
  pinned = found
})
after(() => {
  if (apart?.pid != null) process.kill(apart.pid, 'SIGKILL')
  server?.closeAllConnections()
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

test('TLS happens in a process that is nobody and may nothing', { skip }, async () => {
  const link = apart.link(pinned, () => 'secret')
  assert.deepEqual(await link.post('/v1/x', '{"é":1}'), { status: 202, text: 'taken' })
  assert.deepEqual(bodies, ['Bearer secret {"é":1}'])
  assert.equal((await link.probe()).ok, true)
  const status = readFileSync(`/proc/${apart.pid}/status`, 'utf8')
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(status, new RegExp(`^${set}:\\t0+$`, 'm'))
  assert.match(status, /^NoNewPrivs:\t1$/m)
  const [, ...ids] = /^Uid:\t(\d+)\t(\d+)\t(\d+)\t(\d+)$/m.exec(status)!
  assert.ok(ids.every((id) => Number(id) > 0))
  assert.match(status, /^Groups:\t\s*$/m)
  const words = readFileSync(`/proc/${apart.pid}/cmdline`, 'utf8').split('\0')
  assert.ok(words.includes('--permission'))
  // What is in its environment could be a secret of ours.
  assert.throws(() => readFileSync(`/proc/${apart.pid}/environ`, 'utf8').match(/./)![0])
})

test('messages come through, what is none is refused here, and a dead process is a lost connection', {
  skip,
}, async () => {
  const link = apart.link(pinned, () => 'secret')
  const heard: ServerMessage[] = []
  const refused: string[] = []
  const leaving = new AbortController()
  const listening = link.listen(
    '/desired',
    (message) => heard.push(message),
    leaving.signal,
    (line) => said.push(line),
    ({ reason }) => refused.push(reason),
  )
  await until('it listens', 10_000, async () => stream !== null)
  stream!.write('{"type":"bookmark","at":1}\n{"type":"exec"}\n')
  await until('both came', 5_000, async () => heard.length === 1 && refused.length === 1)
  assert.match(refused[0]!, /no kind that is known/)
  assert.equal(link.counters.badMessages, 1)

  const first = apart.pid!
  stream = null
  process.kill(first, 'SIGKILL')
  await until('another one listens', 10_000, async () => stream !== null)
  assert.notEqual(apart.pid, first)
  ;(stream as unknown as ServerResponse).write('{"type":"bookmark","at":2}\n')
  await until('it is heard again', 5_000, async () => heard.length === 2)
  leaving.abort()
  await listening
})

test('what the other side says at a first contact is judged in both halves', { skip }, async () => {
  const other = mkdtempSync(join(folder, 'other-'))
  await assert.rejects(
    pinServer(other, parseServer(pinned.url.href), `sha256:${'0'.repeat(64)}`, apart.contact),
    /shows another CA .* Nothing was sent/,
  )
  const ours = pinned.ca!
  const wrong = { ...apart.contact, findAuthority: async () => ours }
  await assert.rejects(pinServer(other, parseServer(pinned.url.href), `sha256:${'0'.repeat(64)}`, wrong), /not the one/)
})
