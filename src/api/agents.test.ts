/** What an agent may do over HTTP and over the local socket; who is at the other end is asked of the kernel. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { apiFixture, type Fixture, LOOPBACK } from '../../test/api.ts'
import { type AgentId, DEFAULT_TENANT } from '../model/ids.ts'
import { listenLocal, type Peer } from './local-socket.ts'

let f: Fixture
const folder = mkdtempSync(join(tmpdir(), 'guise-api-'))
before(async () => {
  f = await apiFixture()
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await f[Symbol.asyncDispose]()
})

const report = (sequence = 1) => ({
  boot: 'b1',
  sequence,
  at: 1,
  host: 'host-a',
  mode: 'observe',
  ticks: [],
  conversations: [],
  evidence: [],
  reflexes: [],
  applied: null,
  counters: {},
  denies: {},
})

test('an agent reports for itself; another id is as if it were not there', async () => {
  const send = (id: string, payload: object) =>
    f.as('agent', { method: 'POST', url: `/v1/agents/${id}/report`, payload })
  assert.equal((await send('host-a', report())).statusCode, 202)
  assert.equal((await send('host-b', report())).statusCode, 404)
  assert.equal((await f.as('agent', '/agents/host-b/desired')).statusCode, 404)
  assert.equal((await f.as('agent', '/workloads')).statusCode, 403)
  assert.equal(
    (await f.as('admin', { method: 'POST', url: '/agents/host-a/report', payload: report() })).statusCode,
    403,
  )
  const extra = await send('host-a', { ...report(), shell: 'rm' })
  assert.deepEqual([extra.statusCode, extra.json().errors[0].pointer], [400, '/shell'])
  assert.equal((await send('..%2Fx', report())).statusCode, 404)
  assert.equal(f.asked.filter((asked) => asked.what === 'agentReport').length, 1)
})

test('an order about a machine is a name and an act, and whoever asks is told to the loop', async () => {
  await f.store.agents.seen(
    DEFAULT_TENANT,
    'host-a' as AgentId,
    { host: 'host-a', mode: 'enforce', boot: 'b1', sequence: 9, applied: null, counters: {} },
    1,
  )
  const order = (payload: object, id = 'host-a') =>
    f.as('operator', { method: 'POST', url: `/v1/agents/${id}/machines`, payload })
  for (const payload of [
    { machine: 'till;reboot', act: { do: 'start' } },
    { machine: '--help', act: { do: 'start' } },
    { machine: 'till', act: { do: 'exec', argv: ['id'] } },
    { machine: 'till', act: { do: 'clone', copy: 'a', link: 'x,script=/bin/sh' } },
    { machine: 'till', act: { do: 'resize' } },
  ])
    assert.equal((await order(payload)).statusCode, 400, JSON.stringify(payload))
  assert.equal((await order({ machine: 'till', act: { do: 'start' } }, 'nobody')).statusCode, 404)
  await order({ machine: 'till', act: { do: 'start' } })
  const asked = f.asked.filter(({ what }) => what === 'orderMachine').map(({ detail }) => detail as { by: string })
  assert.equal(asked.length, 1)
  assert.match(asked[0]?.by ?? '', /operator/)
  assert.deepEqual((await f.as('viewer', '/v1/agents/host-a/machines')).json(), { at: null, machines: [], orders: [] })
})

test('the desired stream is NDJSON and ends with its source', async () => {
  const answer = await f.as('agent', '/agents/host-a/desired')
  assert.equal(answer.headers['content-type'], 'application/x-ndjson')
  assert.deepEqual(
    answer.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).at),
    [1, 2],
  )
})

test('enrolment: one secret, one agent token, once, within a quarter of an hour', async () => {
  const payload = { name: 'enrol', role: 'agent', agent: 'host-c', enrolment: true }
  const make = async () => (await f.as('admin', { method: 'POST', url: '/tokens', payload })).json()
  const enrol = (token: string) => f.as(null, { method: 'POST', url: '/agents/enrol', payload: { token, host: 'c' } })
  const { token } = await make()
  const first = await enrol(token)
  assert.equal(first.statusCode, 201, first.body)
  assert.equal(first.json().agent, 'host-c')
  assert.equal((await enrol(token)).json().code, 'token-spent')
  const headers = { ...LOOPBACK, authorization: `Bearer ${first.json().token}` }
  assert.equal(
    (await f.app.inject({ method: 'POST', url: '/agents/host-c/report', headers, payload: report() })).statusCode,
    202,
  )
  const late = await make()
  f.clock.now += 15 * 60_000 + 1
  assert.equal((await enrol(late.token)).statusCode, 401)
  const asked = (ttl: string) => f.as('admin', { method: 'POST', url: '/tokens', payload: { ...payload, ttl } })
  const long = await asked('16m')
  assert.deepEqual(
    [long.statusCode, long.json().code, long.json().errors[0].pointer],
    [422, 'enrolment-too-long', '/ttl'],
  )
  const short = await asked('5m')
  assert.equal(short.json().expiresAt, f.clock.now + 5 * 60_000)
})

test('an agent that is enrolled anew is another one: the token and the key of its lost home are worth nothing', async () => {
  const enrol = async () => {
    const payload = { name: 'enrol', role: 'agent', agent: 'host-d', enrolment: true }
    const { token } = (await f.as('admin', { method: 'POST', url: '/tokens', payload })).json()
    return (await f.as(null, { method: 'POST', url: '/agents/enrol', payload: { token, host: 'd' } })).json().token
  }
  const ask = (token: string, key: string) =>
    f.app.inject({
      method: 'POST',
      url: '/agents/host-d/secrets',
      headers: { ...LOOPBACK, authorization: `Bearer ${token}` },
      payload: { publicKey: key, want: [] },
    })
  const keys = ['x', 'x'].map(() =>
    generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64url'),
  )
  const other = await f.token('agent', { name: 'host-e', agent: 'host-e' })
  const lost = await enrol()
  assert.equal((await ask(lost, keys[0]!)).statusCode, 200)
  const found = await enrol()
  assert.equal((await ask(lost, keys[0]!)).statusCode, 401)
  assert.equal((await ask(found, keys[1]!)).statusCode, 200)
  const headers = { ...LOOPBACK, authorization: `Bearer ${other}` }
  const answer = await f.app.inject({ method: 'POST', url: '/agents/host-e/report', headers, payload: report() })
  assert.equal(answer.statusCode, 202, 'nobody else is')
  const { items } = await f.store.ledger.audits(DEFAULT_TENANT, { limit: 20, cursor: null, action: 'token.delete' })
  assert.deepEqual(
    items.map(({ actor, summary }) => [actor, summary]),
    [['agent:host-d', 'agent host-d enrolled anew']],
  )
})

type Answer = { status: number; body: string }
function askSocket(socketPath: string, method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const request = httpRequest({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode!, body: text }))
    })
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

test('the local socket: 0600, our own uid is an agent and nothing more', {
  skip: process.platform !== 'linux',
}, async () => {
  const path = join(folder, 'server.sock')
  const seen: Peer[] = []
  const local = await listenLocal(f.app, path, (peer) => {
    seen.push(peer)
    return peer.uid === process.getuid?.()
  })
  try {
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal((await askSocket(path, 'POST', '/v1/agents/any-host/report', report(9))).status, 202)
    assert.deepEqual({ pid: seen[0]!.pid, uid: seen[0]!.uid }, { pid: process.pid, uid: process.getuid?.() })
    assert.equal((await askSocket(path, 'GET', '/v1/workloads')).status, 403)
    assert.equal((await askSocket(path, 'GET', '/v1/tokens')).status, 403)
    assert.equal((await askSocket(path, 'GET', '/healthz')).body, '{"status":"ok"}')
    await assert.rejects(listenLocal(f.app, path), /served by another Guise/)
  } finally {
    await local.close()
  }
  assert.equal(existsSync(path), false)
})

test('a peer that is not trusted is hung up on; a dead socket file is replaced', {
  skip: process.platform !== 'linux',
}, async () => {
  const path = join(folder, 'closed.sock')
  writeFileSync(path, '')
  const local = await listenLocal(f.app, path, () => false)
  try {
    const bytes = await new Promise<number>((resolve) => {
      let count = 0
      const socket = createConnection(path)
      socket.on('data', (chunk) => {
        count += chunk.length
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(count))
      socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
    })
    assert.equal(bytes, 0)
  } finally {
    await local.close()
  }
})
