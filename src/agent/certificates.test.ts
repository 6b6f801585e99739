/** Certificates are issued by the CA for workloads before a state is applied, for the names of the plan, and again when due. */
import assert from 'node:assert/strict'
import { type webcrypto, X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { issuedPath, type Pair } from '../enforce/facets/tls/install.ts'
import type { AgentState } from '../model/desired.ts'
import { issuedId } from '../model/facets/issued-id.ts'
import { loadAuthority } from '../server/authority.ts'
import { loadWorkloadAuthority } from '../server/workload-authority.ts'
import { createCertificateKeeper, isDue } from './certificates.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-certificates-'))
after(() => rmSync(home, { recursive: true, force: true }))
const keysDir = join(home, 'keys')
const DAY_MS = 86_400_000
const issue = { names: ['web.internal', '10.0.0.5', 'fd00::5'], days: 30 }
const state = {
  generation: { system: 's', timeline: 1, n: 1 },
  workloads: [{ key: 'web1', tls: { certificates: [{ name: 'web', issue }] } }],
} as unknown as AgentState
const path = issuedPath(home, issuedId('web1', 'web', issue))
const kept = () => JSON.parse(readFileSync(path, 'utf8')) as Pair

test('issued once, renewed after two thirds of its life, removed when it is over and nobody wants it', async () => {
  let now = Date.now()
  const authority = await loadWorkloadAuthority(keysDir, () => now)
  const asked: { workload: string; name: string }[] = []
  const said: string[] = []
  let inForce: AgentState | null = state
  const keeper = createCertificateKeeper({
    home,
    agent: 'a',
    link: {
      async post(_, body) {
        const { request, ...rest } = JSON.parse(body) as { request: string; workload: string; name: string }
        asked.push(rest)
        assert.ok(!body.includes('PRIVATE'))
        return { status: 201, text: JSON.stringify({ certificate: await authority.sign(request, issue.names, 30) }) }
      },
    },
    inForce: () => inForce,
    say: (line) => void said.push(line),
    clock: () => now,
  })
  await keeper.bring(state)
  await keeper.bring(state)
  assert.deepEqual(asked, [{ workload: 'web1', name: 'web' }])
  const first = new X509Certificate(kept().certificate)
  assert.equal(first.subjectAltName, 'DNS:web.internal, IP Address:10.0.0.5, IP Address:FD00:0:0:0:0:0:0:5')
  const ca = new X509Certificate(
    kept()
      .certificate.match(/-----BEGIN[\s\S]+?END CERTIFICATE-----/g)!
      .at(-1)!,
  )
  assert.ok(first.verify(ca.publicKey) && ca.ca && /Guise workloads CA/.test(ca.subject))
  assert.equal(statSync(path).mode & 0o777, 0o600)
  now += 15 * DAY_MS
  await keeper.renew()
  assert.equal(asked.length, 1)
  now += 6 * DAY_MS
  await keeper.renew()
  assert.equal(asked.length, 2)
  assert.notEqual(new X509Certificate(kept().certificate).serialNumber, first.serialNumber)
  inForce = null
  now += 40 * DAY_MS
  await keeper.renew()
  assert.deepEqual([readdirSync(join(home, 'certificates')), said], [[], []])
})

test('a server that says no leaves the old one, and the reason', async () => {
  const said: string[] = []
  const link = { post: async () => ({ status: 404, text: '' }) }
  const say = (line: string) => void said.push(line)
  const keeper = createCertificateKeeper({ home, agent: 'a', link, inForce: () => null, say, clock: Date.now })
  await keeper.bring(state)
  assert.deepEqual(said, ['certificate web of web1 was not issued: the server answered 404'])
  assert.equal(isDue(null, 0), true)
})

test('what came next waits for one answer at most, not for a list of them', async () => {
  const overtaken = new AbortController()
  const asked: string[] = []
  const link = {
    async post(_: string, body: string) {
      asked.push((JSON.parse(body) as { name: string }).name)
      overtaken.abort()
      return { status: 503, text: '' }
    },
  }
  const keeper = createCertificateKeeper({ home, agent: 'a', link, inForce: () => null, say() {}, clock: Date.now })
  const certificates = ['one', 'two', 'three'].map((name) => ({ name, issue }))
  const many = { ...state, workloads: [{ key: 'web9', tls: { certificates } }] } as unknown as AgentState
  await keeper.bring(many, overtaken.signal)
  assert.deepEqual(asked, ['one'])
  await keeper.bring(many)
  assert.deepEqual(asked.slice(1), ['one', 'two', 'three'])
})

test('a request without its key, or with another kind of key, is not signed; the CA is not that of the agents', async () => {
  const authority = await loadWorkloadAuthority(keysDir, Date.now)
  for (const text of ['', 'x', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----'])
    assert.equal(await authority.sign(text, ['a'], 1), null)
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509')
  const request = async (namedCurve: string, hash: string) => {
    const algorithm = { name: 'ECDSA', namedCurve, hash }
    const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
    return await Pkcs10CertificateRequestGenerator.create({ name: 'CN=evil', keys, signingAlgorithm: algorithm })
  }
  assert.equal(await authority.sign((await request('P-384', 'SHA-384')).toString('pem'), ['a'], 1), null)
  const sound = await request('P-256', 'SHA-256')
  const forged = Buffer.from(new Uint8Array(sound.rawData).slice())
  forged[forged.length - 1]! ^= 1
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${forged.toString('base64')}\n-----END CERTIFICATE REQUEST-----`
  assert.equal(await authority.sign(pem, ['a'], 1), null)
  const signed = new X509Certificate((await authority.sign(sound.toString('pem'), ['plan.internal'], 1))!)
  assert.equal(signed.subject, 'CN=plan.internal')
  const agents = await loadAuthority(keysDir, Date.now)
  const server = new X509Certificate((await agents.issue(['x'])).cert)
  assert.notEqual(server.issuer, signed.issuer)
  for (const file of readdirSync(keysDir)) assert.equal(statSync(join(keysDir, file)).mode & 0o777, 0o600)
})
