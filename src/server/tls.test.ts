/** An agent of another host and the server, over real sockets and a real record: who is let in, and what is never sent. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { connect, createServer as createTlsServer } from 'node:tls'
import { until } from '../../bench/kill/range.ts'
import { apiFixture, type Fixture } from '../../test/api.ts'
import { identify } from '../agent/identity.ts'
import { createLink, parseServer, type Server } from '../agent/link.ts'
import { pinServer } from '../agent/pin.ts'
import { createApp } from '../api/app.ts'
import type { Control } from '../api/control.ts'
import { type AgentId, DEFAULT_TENANT, type TenantId } from '../model/ids.ts'
import { loadAuthority } from './authority.ts'
import { serverConfig } from './config.ts'
import { createDelivery } from './delivery.ts'
import { openAgentDoor, type RunningDoor } from './tls.ts'

const folder = mkdtempSync(join(tmpdir(), 'guise-tls-'))
const keysDir = join(folder, 'keys')
const clock = () => Date.now()
let f: Fixture
let door: RunningDoor
let homes = 0

const open = (port = 0, files: { cert: string; key: string } | null = null, app = f.app) =>
  openAgentDoor({
    app,
    config: { host: '127.0.0.1', port, files },
    names: ['guise.example'],
    keysDir,
    clock,
    log: { warn() {} },
  })
before(async () => {
  f = await apiFixture()
  door = await open()
})
afterEach(() => {
  delete process.env.GUISE_ENROL_TOKEN
})
after(async () => {
  await door.close()
  rmSync(folder, { recursive: true, force: true })
  await f[Symbol.asyncDispose]()
})

function home(): string {
  const path = join(folder, `agent-${++homes}`)
  mkdirSync(path)
  return path
}

async function invite(agent: string): Promise<{ id: string; token: string }> {
  const payload = { name: agent, role: 'agent', agent, enrolment: true }
  const answer = await f.as('admin', { method: 'POST', url: '/tokens', payload })
  assert.equal(answer.statusCode, 201, answer.body)
  return answer.json()
}

const pinned = (at = home()): Promise<Server> => pinServer(at, parseServer(door.door().url), door.door().caFingerprint)

async function enrol(agent: string) {
  const at = home()
  process.env.GUISE_ENROL_TOKEN = (await invite(agent)).token
  const server = await pinned(at)
  const identity = await identify(at, 'ignored', server)
  return { at, server, identity, link: createLink(server, () => identity.token) }
}

const report = {
  boot: 'b1',
  sequence: 1,
  at: 1,
  host: 'edge',
  mode: 'observe',
  ticks: [],
  conversations: [],
  evidence: [],
  reflexes: [],
  applied: null,
  counters: {},
  denies: {},
}

test('an agent enrols once, keeps what it needs for root alone, and needs no flag later', async () => {
  const { at, identity, link } = await enrol('edge1')
  const secret = process.env.GUISE_ENROL_TOKEN!
  assert.equal(identity.id, 'edge1')
  for (const file of ['id', 'server-ca.pem']) assert.equal(statSync(join(at, file)).mode & 0o777, 0o600)
  assert.equal((await link.post('/v1/agents/edge1/report', JSON.stringify(report))).status, 202)
  const later = await pinServer(at, parseServer(door.door().url), null)
  assert.deepEqual(await identify(at, 'ignored', later), identity)
  delete process.env.GUISE_ENROL_TOKEN
  assert.deepEqual(await identify(at, 'ignored', later), identity)
  // The spent secret is kept as a hash: it shall not be found on disk.
  assert.ok(!readFileSync(join(at, 'id'), 'utf8').includes(secret))
})

test('a server that is not there is told with what to look at, and is tried again', async () => {
  await assert.rejects(
    pinServer(home(), parseServer('https://127.0.0.1:2'), door.door().caFingerprint),
    /^Error: https:\/\/127\.0\.0\.1:2 cannot be reached \(ECONNREFUSED\): .*--agent-listen.*; it is tried again$/,
  )
})

test('a used token, and one that is over, are refused with the cure', async () => {
  const { token } = await invite('edge2')
  process.env.GUISE_ENROL_TOKEN = token
  await identify(home(), '', await pinned())
  await assert.rejects(identify(home(), '', await pinned()), /used before; it works once.*guise token create/)
  process.env.GUISE_ENROL_TOKEN = (await invite('edge2')).token
  f.clock.now += 15 * 60_000 + 1
  await assert.rejects(identify(home(), '', await pinned()), /not known here, or no longer.*guise token create/)
})

test('an agent speaks for itself alone, and the door answers nothing but agents', async () => {
  const { link, server, identity } = await enrol('edge3')
  assert.equal((await link.post('/v1/agents/edge1/report', JSON.stringify(report))).status, 404)
  const admin = createLink(server, () => adminToken)
  const adminToken = await f.token('admin')
  for (const [path, body] of [
    ['/v1/tokens', { name: 'x', role: 'admin' }],
    ['/v1/session', { token: adminToken }],
    ['/v1/trigger_shift', { device_id: 'x', persona_id: 'y' }],
  ] as const) {
    assert.equal((await admin.post(path, JSON.stringify(body))).status, 404, path)
  }
  assert.equal((await admin.post(`/v1/agents/${identity.id}/report`, JSON.stringify(report))).status, 403)
})

test('another CA than the one named is refused before any byte of ours is sent', async () => {
  const other = await loadAuthority(join(folder, 'other-keys'), clock)
  let bytes = 0
  const impostor = createTlsServer({ ...(await other.issue(['127.0.0.1'])), minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length
    })
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve))
  const { port } = impostor.address() as { port: number }
  const at = home()
  try {
    await assert.rejects(
      pinServer(at, parseServer(`https://127.0.0.1:${port}`), door.door().caFingerprint),
      /shows another CA \(sha256:[0-9a-f]{64}\).*Nothing was sent.*make a new one/,
    )
    assert.equal(existsSync(join(at, 'server-ca.pem')), false)
    // Later, too: an agent that has pinned ours does not talk to it.
    const server = await pinned(at)
    assert.ok('url' in server)
    const deceived = createLink({ ...server, url: new URL(`https://127.0.0.1:${port}`) }, () => 'secret')
    await assert.rejects(deceived.post('/v1/agents/x/report', '{}'), /certificate/)
    assert.equal(bytes, 0)
  } finally {
    impostor.close()
  }
})

test('without a fingerprint, without TLS, under a name that is not in the certificate: nothing is sent', async () => {
  const { url } = door.door()
  await assert.rejects(pinServer(home(), parseServer(url), null), /--ca-fingerprint is missing/)
  assert.throws(() => createLink(parseServer(url), () => null), /not pinned/)
  const heard: Buffer[] = []
  const plain = createServer((socket: Socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      heard.push(chunk)
      socket.end('HTTP/1.1 200 OK\r\n\r\n')
    })
  })
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
  const { port } = plain.address() as { port: number }
  await assert.rejects(pinServer(home(), parseServer(`https://127.0.0.1:${port}`), door.door().caFingerprint))
  plain.close()
  // 22 = handshake (RFC 8446 5.1): what it heard is a ClientHello, no request.
  assert.equal(Buffer.concat(heard)[0], 22)
})

test('a certificate of the right CA for another name is refused, and nothing is sent', async () => {
  const ours = await loadAuthority(keysDir, clock)
  const misnamed = createTlsServer({ ...(await ours.issue(['other.example'])) }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', () => assert.fail('it was sent something'))
  })
  await new Promise<void>((resolve) => misnamed.listen(0, '127.0.0.1', resolve))
  const { port } = misnamed.address() as { port: number }
  const at = home()
  try {
    await assert.rejects(
      pinServer(at, parseServer(`https://127.0.0.1:${port}`), door.door().caFingerprint),
      /is not for 127\.0\.0\.1\. Name it in the server's GUISE_PUBLIC_ORIGINS/,
    )
    assert.equal(existsSync(join(at, 'server-ca.pem')), false)
  } finally {
    misnamed.close()
  }
})

test('a new secret enrols anew; another CA on the same host gets nothing the one before gave', async () => {
  const { at, server, identity } = await enrol('edge8')
  process.env.GUISE_ENROL_TOKEN = (await invite('edge8')).token
  const anew = await identify(at, '', server)
  assert.equal(anew.id, 'edge8')
  assert.notEqual(anew.token, identity.token)
  delete process.env.GUISE_ENROL_TOKEN

  const other = await loadAuthority(join(folder, 'reinstalled'), clock)
  const files = { cert: join(folder, 'reinstalled.pem'), key: join(folder, 'reinstalled-key.pem') }
  const { cert, key } = await other.issue(['127.0.0.1'])
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
  const reinstalled = await open(0, files)
  try {
    const { url, caFingerprint } = reinstalled.door()
    const next = await pinServer(at, parseServer(url), caFingerprint)
    await assert.rejects(identify(at, '', next), /is not enrolled at/)
  } finally {
    await reinstalled.close()
  }
})

test('a client that speaks only TLS 1.2 is refused', async () => {
  const speak = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: door.port, rejectUnauthorized: false, maxVersion })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      socket.on('secureConnect', () => {
        resolve(socket.getProtocol() ?? '')
        socket.destroy()
      })
    })
  assert.equal(await speak('TLSv1.3'), 'TLSv1.3')
  assert.match(await speak('TLSv1.2'), /PROTOCOL_VERSION/)
})

/** Listens like the agent does; what it heard and what it said. */
function listen(link: ReturnType<typeof createLink>, id: string) {
  const heard: string[] = []
  const said: string[] = []
  const leaving = new AbortController()
  const done = link.listen(
    `/v1/agents/${id}/desired`,
    (message) => heard.push(message.type),
    leaving.signal,
    (line) => said.push(line),
  )
  const leave = () => {
    leaving.abort()
    return done
  }
  return { heard, said, leave }
}

test('a revoked token is refused, and the agent is told how to come back', async () => {
  const { link, identity } = await enrol('edge4')
  const ear = listen(link, identity.id)
  await until('it hears the server', 5_000, () => ear.heard.length > 0)
  const record = (await f.store.tokens.all(DEFAULT_TENANT)).find((one) => one.name === 'edge4' && one.id[0] === 't')
  const gone = await f.as('admin', { method: 'DELETE', url: `/tokens/${record!.id}`, headers: { 'if-match': '*' } })
  assert.equal(gone.statusCode, 204)
  await until('it is refused', 5_000, () => ear.said.some((line) => /401.*new --enrol-token/.test(line)))
  await ear.leave()
  assert.equal((await link.post('/v1/agents/edge4/report', JSON.stringify(report))).status, 401)
})

test('a stream that is open when its token is revoked ends at once', async () => {
  const delivery = createDelivery(clock)
  const app = await createApp({
    store: () => f.store,
    control: {
      desiredStream: (_tenant: TenantId, agent: AgentId, signal: AbortSignal) =>
        delivery.stream(agent, async () => [{ type: 'bookmark', at: 1 }], signal),
    } as unknown as Control,
    events: f.events,
    console: null,
    clock,
    log: { error() {} },
    tenantDefault: DEFAULT_TENANT,
    publicOrigins: [],
    agentDoor: () => held.door(),
    version: '0.0.0',
  })
  const held = await open(0, null, app)
  const ask = (method: 'POST' | 'DELETE', url: string, payload?: object) =>
    app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
  const headers = { host: '127.0.0.1', authorization: `Bearer ${await f.token('admin')}`, 'if-match': '*' }
  const made = (await ask('POST', '/tokens', { name: 'edge5', role: 'agent', agent: 'edge5' })).json()
  const server = await pinServer(home(), parseServer(held.door().url), held.door().caFingerprint)
  const ear = listen(
    createLink(server, () => made.token),
    'edge5',
  )
  try {
    await until('it hears the server', 5_000, () => ear.heard.length === 1)
    assert.deepEqual(delivery.connected(), ['edge5'])
    assert.equal((await ask('DELETE', `/tokens/${made.id}`)).statusCode, 204)
    await until('it is hung up on, and refused', 5_000, () => ear.said.some((line) => /401/.test(line)))
    assert.deepEqual(delivery.connected(), [])
  } finally {
    await ear.leave()
    await held.close()
    await app.close()
  }
})

test('the link comes back when the server does, with a certificate issued anew by the same CA', async () => {
  const { link, identity } = await enrol('edge6')
  const ear = listen(link, identity.id)
  await until('it hears the server', 5_000, () => ear.heard.length > 0)
  const { port } = door
  const { caFingerprint } = door.door()
  await door.close()
  await assert.rejects(link.post('/v1/agents/edge6/report', '{}'))
  const before = ear.heard.length
  door = await open(port)
  assert.equal(door.door().caFingerprint, caFingerprint)
  await until('it hears it again', 10_000, () => ear.heard.length > before)
  await ear.leave()
  assert.ok(link.counters.reconnects > 0)
})

test('our CA is one file for us alone; certificates are renewed while connections stay', async () => {
  assert.equal(statSync(join(keysDir, 'agents-ca.pem')).mode & 0o777, 0o600)
  const { link } = await enrol('edge7')
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: door.port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()!.serialNumber)
        socket.destroy()
      }).on('error', reject)
    })
  const first = await shown()
  await door.renew()
  assert.notEqual(await shown(), first)
  assert.equal((await link.post('/v1/agents/edge7/report', JSON.stringify(report))).status, 202)
})

test('given files are shown; the last of their chain is what agents pin', async () => {
  const other = await loadAuthority(join(folder, 'given'), clock)
  const { cert, key } = await other.issue(['127.0.0.1'])
  const files = { cert: join(folder, 'given.pem'), key: join(folder, 'given-key.pem') }
  writeFileSync(files.key, key)
  // Alone, as a self-made certificate is, and with its CA.
  const leaf = new X509Certificate(cert).toString()
  for (const chain of [cert, leaf]) {
    writeFileSync(files.cert, chain)
    const given = await open(0, files)
    const last = new X509Certificate(chain.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g)!.at(-1)!)
    const fingerprint = `sha256:${createHash('sha256').update(last.raw).digest('hex')}`
    assert.equal(given.door().caFingerprint, fingerprint)
    const server = await pinServer(home(), parseServer(given.door().url), fingerprint)
    assert.equal((await createLink(server, () => null).post('/v1/agents/x/report', '{}')).status, 401)
    await given.close()
  }
  writeFileSync(files.key, (await other.issue(['127.0.0.1'])).key)
  await assert.rejects(open(0, files), /is not the key of the first certificate.*give the pair/)
  await assert.rejects(open(0, { ...files, cert: join(folder, 'none') }), /GUISE_TLS_CERT .* \(ENOENT\); give/)
})

test('what cannot be listened on is said in a sentence with its cure', async () => {
  await assert.rejects(open(door.port), /is taken by another program. Start with --agent-listen 127\.0\.0\.1:\d+\.$/)
  const elsewhere = { host: '192.0.2.1', port: 7443, files: null }
  const deps = { app: f.app, names: [], keysDir, clock, log: { warn() {} } }
  await assert.rejects(openAgentDoor({ ...deps, config: elsewhere }), /192\.0\.2\.1 is not an address of this machine/)
  const config = (GUISE_AGENT_LISTEN: string, more = {}) => serverConfig({ GUISE_AGENT_LISTEN, ...more }).agentListen
  assert.equal(serverConfig({}).agentListen, null)
  assert.deepEqual(config('0.0.0.0:7443'), { host: '0.0.0.0', port: 7443, files: null })
  assert.deepEqual(config('[::]:7443', { GUISE_TLS_CERT: 'c', GUISE_TLS_KEY: 'k' }), {
    host: '::',
    port: 7443,
    files: { cert: 'c', key: 'k' },
  })
  for (const text of ['7443', 'host:', 'host:99999', 'a b:1', '::1:7443'])
    assert.throws(() => config(text), /HOST:PORT/)
  assert.throws(() => config('h:1', { GUISE_TLS_CERT: 'c' }), /go together/)
})
