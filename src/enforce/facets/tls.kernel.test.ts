/** An HTTPS server in a namespace shows the certificate that is worn, changed and changed back while it answers. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { needRoot } from '../../../test/need.ts'
import { issuedId } from '../../model/facets/issued-id.ts'
import type { Tls } from '../../model/facets/tls.ts'
import { loadAuthority } from '../../server/authority.ts'
import type { Place } from '../facet.ts'
import { keepSecretsIn, writeSecret } from '../secret-files.ts'
import { runStep } from '../step.ts'
import { issuedPath } from './tls/install.ts'
import { tls } from './tls.ts'

const POLL_MS = 10
const skip = needRoot()
const NAME = `guisetl${process.pid}`
const work = mkdtempSync(join(tmpdir(), 'guise-tls-'))
const home = join(work, 'agent')
const root = join(work, 'root')
const BASE = `/etc/guise/tls/${NAME}`
const PID_FILE = `/run/${NAME}.pid`
const inNamespace: Place = {
  ...{ key: NAME, namespace: `/run/netns/${NAME}`, face: null, addresses: [], cgroup: null, root: null, monitor: null },
}
const inRoot: Place = { ...inNamespace, key: `${NAME}r`, root }
const ref = (secret: string) => ({ secret, version: 1, digest: 'd'.repeat(43) })
const given = (which: 'one' | 'two', more: Partial<Tls['certificates'][number]> = {}): Tls => ({
  certificates: [
    { name: 'web', given: { certificate: ref(`${which}-cert`), privateKey: ref(`${which}-key`) }, ...more },
  ],
})
const reload = { signal: 'HUP' as const, pidFile: PID_FILE }

/** Reads what the link points to at the start and at each SIGHUP. A new connection each request, so each sees the newest. */
const SERVER = `
const https = require('node:https'), fs = require('node:fs')
const load = () => ({ cert: fs.readFileSync('${BASE}/web/current/fullchain.pem'), key: fs.readFileSync('${BASE}/web/current/key.pem') })
const server = https.createServer(load(), (_, answer) => answer.end('ok'))
process.on('SIGHUP', () => server.setSecureContext(load()))
server.listen(443, '127.0.0.1', () => { fs.writeFileSync('${PID_FILE}', process.pid + '\\n'); console.log('ready') })`
/** One request after another until told to stop: names of certificates seen, in order, and failures. */
const CLIENT = `
const https = require('node:https')
const seen = []
let failed = 0
let stop = false
const once = () => new Promise((done) => {
  const request = https.request({ host: '127.0.0.1', port: 443, rejectUnauthorized: false, agent: false }, (answer) => {
    const { subjectaltname } = answer.socket.getPeerCertificate()
    if (seen.at(-1) !== subjectaltname) { seen.push(subjectaltname); console.log(subjectaltname) }
    answer.on('data', () => {}).on('end', done)
  })
  request.on('error', () => { failed++; done() })
  request.end()
})
process.on('SIGTERM', () => { stop = true })
;(async () => { let n = 0; while (!stop) { await once(); n++ } console.log(JSON.stringify({ n, failed })) })()`

const children: ChildProcess[] = []
function run(script: string): { readonly lines: string[]; readonly child: ChildProcess } {
  const child = spawn('ip', ['netns', 'exec', NAME, process.execPath, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines: string[] = []
  child.stdout!.on('data', (chunk: Buffer) => void lines.push(...chunk.toString().trim().split('\n')))
  return { lines, child }
}
async function until(what: string, holds: () => boolean): Promise<void> {
  for (const giveUpAt = performance.now() + 15_000; !holds(); await delay(POLL_MS))
    assert.ok(performance.now() < giveUpAt, `waited 15 s: ${what}`)
}
async function wear(place: Place, wish: Tls) {
  const from = await tls.capture(place)
  const wanted = tls.wanted(place, from, wish)
  await tls.converge(place, wanted)
  assert.equal(tls.normalise(await tls.capture(place)), tls.normalise(wanted))
  return wanted
}

before(async () => {
  if (skip !== false) return
  keepSecretsIn(home)
  mkdirSync(join(home, 'certificates'), { recursive: true })
  mkdirSync(root)
  execFileSync('ip', ['netns', 'add', NAME])
  execFileSync('ip', ['-n', NAME, 'link', 'set', 'lo', 'up'])
  const authority = await loadAuthority(join(work, 'keys'), Date.now)
  for (const which of ['one', 'two']) {
    const { cert, key } = await authority.issue([`${which}.internal`])
    writeSecret(ref(`${which}-cert`), cert)
    writeSecret(ref(`${which}-key`), key)
  }
})
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(work, { recursive: true, force: true })
  rmSync(BASE, { recursive: true, force: true })
  rmSync(PID_FILE, { force: true })
  if (skip === false) execFileSync('ip', ['netns', 'del', NAME])
})

test('a server shows the new certificate after a shift and the old one after the way back; no request fails', {
  skip,
}, async () => {
  const one = await wear(inNamespace, given('one', { reload }))
  const server = run(SERVER)
  await until('the server', () => server.lines.includes('ready'))
  const client = run(CLIENT)
  await until('the first certificate', () => client.lines.includes('DNS:one.internal'))
  const two = await wear(inNamespace, given('two', { reload }))
  await until('the second certificate', () => client.lines.at(-1) === 'DNS:two.internal')
  for (const step of tls.undo(inNamespace, one, two)) await runStep(JSON.parse(JSON.stringify(step)))
  assert.equal(tls.normalise(await tls.capture(inNamespace)), tls.normalise(one))
  await until('the first one again', () => client.lines.length === 3 && client.lines[2] === 'DNS:one.internal')
  client.child.kill('SIGTERM')
  await until('the count', () => client.lines.at(-1)!.startsWith('{'))
  const { n, failed } = JSON.parse(client.lines.at(-1)!) as { n: number; failed: number }
  assert.ok(n >= 3)
  assert.equal(failed, 0)
  server.child.kill()
})

test('files, modes, owner; key and certificate change together; two versions stay', { skip }, async () => {
  const owner = { uid: 33, gid: 33 }
  for (const which of ['one', 'two', 'one', 'two'] as const) await wear(inNamespace, given(which, { owner }))
  const current = `${BASE}/web/current`
  assert.match(readlinkSync(current), /^v-[\w-]{16}$/)
  const mode = (file: string) => [statSync(`${current}/${file}`).mode & 0o777, statSync(`${current}/${file}`).uid]
  assert.deepEqual(
    [mode('key.pem'), mode('fullchain.pem')],
    [
      [0o640, 33],
      [0o644, 33],
    ],
  )
  assert.equal(
    readFileSync(`${current}/fullchain.pem`, 'utf8'),
    readFileSync(`${current}/cert.pem`, 'utf8') + readFileSync(`${current}/chain.pem`, 'utf8'),
  )
  const versions = execFileSync('ls', [`${BASE}/web`], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.startsWith('v-'))
  assert.equal(versions.length, 2)
  const state = JSON.stringify([await tls.capture(inNamespace), tls.wanted(inNamespace, [], given('one'))])
  assert.ok(!state.includes('BEGIN'))
})

test('what somebody else changes is seen and put back', { skip }, async () => {
  const wanted = await wear(inNamespace, given('one'))
  const current = `${BASE}/web/current`
  const harms: [string, () => void][] = [
    ['content', () => writeFileSync(`${current}/cert.pem`, 'x')],
    ['a mode', () => execFileSync('chmod', ['644', `${current}/key.pem`])],
    ['the link', () => rmSync(current)],
    ['the file that says what it is', () => rmSync(`${current}/about.json`)],
    ['everything', () => rmSync(BASE, { recursive: true })],
  ]
  for (const [what, harm] of harms) {
    harm()
    assert.notEqual(tls.normalise(await tls.capture(inNamespace)), tls.normalise(wanted), what)
    await tls.converge(inNamespace, wanted)
    assert.equal(tls.normalise(await tls.capture(inNamespace)), tls.normalise(wanted), what)
  }
  await tls.converge(inNamespace, [])
  assert.deepEqual(await tls.capture(inNamespace), [])
})

test('what somebody points elsewhere comes off all the same, and where he points to is his', { skip }, async () => {
  for (const elsewhere of ['/opt/somewhere', '../web', 'nothing']) {
    await wear(inNamespace, given('one'))
    rmSync(`${BASE}/web/current`)
    symlinkSync(elsewhere, `${BASE}/web/current`)
    await tls.converge(inNamespace, [])
    assert.deepEqual(readdirSync(`${BASE}/web`), ['current'], elsewhere)
    assert.equal(readlinkSync(`${BASE}/web/current`), elsewhere)
    rmSync(`${BASE}/web`, { recursive: true })
  }
})

test('a renewed certificate is put in place by the next look; one that was never issued is refused before', {
  skip,
}, async () => {
  const issue = { names: ['renewed.internal'] }
  const wish: Tls = { certificates: [{ name: 'own', issue }] }
  assert.throws(() => tls.wanted(inNamespace, [], wish), /certificate own of .* was not issued yet/)
  const path = issuedPath(home, issuedId(NAME, 'own', issue))
  const authority = await loadAuthority(join(work, 'keys'), Date.now)
  const write = async () => {
    const { cert, key } = await authority.issue(issue.names)
    writeFileSync(path, JSON.stringify({ certificate: cert, privateKey: key }), { mode: 0o600 })
    return cert
  }
  await write()
  const wanted = await wear(inNamespace, wish)
  const renewed = await write()
  assert.match(tls.normalise(await tls.capture(inNamespace)), /own an older one/)
  await tls.converge(inNamespace, wanted)
  assert.equal(tls.normalise(await tls.capture(inNamespace)), tls.normalise(wanted))
  assert.ok(renewed.startsWith(readFileSync(`${BASE}/own/current/cert.pem`, 'utf8').trim()))
})

test('an install that died before it removed what it had put aside is done again', { skip }, async () => {
  const wanted = await wear(inNamespace, given('one'))
  const version = readlinkSync(`${BASE}/web/current`)
  const aside = `${BASE}/web/${version.replace(/^v-/, 'old-')}`
  mkdirSync(aside)
  writeFileSync(`${aside}/chain.pem`, 'of a death')
  rmSync(`${BASE}/web/told`)
  await tls.converge(inNamespace, wanted)
  assert.equal(tls.normalise(await tls.capture(inNamespace)), tls.normalise(wanted))
  assert.deepEqual(
    readdirSync(`${BASE}/web`).filter((name) => name.startsWith('old-')),
    [],
  )
})

test('an install that died before its link was in place is taken off whole', { skip }, async () => {
  const [before] = [await tls.capture(inNamespace), await wear(inNamespace, given('one'))]
  renameSync(`${BASE}/web/current`, `${BASE}/web/current.new`)
  rmSync(`${BASE}/web/told`)
  assert.match(tls.normalise(await tls.capture(inNamespace)), /no current version/)
  await tls.converge(inNamespace, [])
  assert.ok(!existsSync(`${BASE}/web`))
  await tls.converge(inNamespace, before)
})

test("in a workload's root: no link of its own leads out of it, and no process of somebody else is told", {
  skip,
}, async () => {
  const outside = join(work, 'outside')
  mkdirSync(outside)
  symlinkSync(outside, join(root, 'etc'))
  await assert.rejects(wear(inRoot, given('one')), /etc is no folder, or a link/)
  rmSync(join(root, 'etc'))
  mkdirSync(join(root, 'etc/guise/tls'), { recursive: true })
  symlinkSync(outside, join(root, 'etc/guise/tls/web'))
  await assert.rejects(wear(inRoot, given('one')), /web is no folder, or a link/)
  rmSync(join(root, 'etc/guise/tls/web'))
  assert.deepEqual(execFileSync('ls', [outside], { encoding: 'utf8' }), '')
  mkdirSync(join(root, 'run'))
  writeFileSync(join(root, 'run/web.pid'), `${process.pid}\n`)
  let told = 0
  const onTold = () => void told++
  process.on('SIGUSR2', onTold)
  const theirs = given('one', { reload: { signal: 'USR2', pidFile: '/run/web.pid' } })
  await assert.rejects(wear(inRoot, theirs), /names process \d+, which is not in/)
  process.off('SIGUSR2', onTold)
  assert.equal(told, 0)
  assert.match(tls.normalise(await tls.capture(inRoot)), /web nobody told/)
  rmSync(join(root, 'run/web.pid'))
  const worn = await wear(inRoot, theirs)
  assert.ok(statSync(join(root, 'etc/guise/tls/web/current/key.pem')).isFile())
  for (const step of tls.undo(inRoot, [], worn)) await runStep(step)
  assert.deepEqual(await tls.capture(inRoot), [])
})

test('a key that is not of its certificate is refused before anything is written, and is not said', { skip }, () => {
  const wish: Tls = {
    certificates: [{ name: 'web', given: { certificate: ref('one-cert'), privateKey: ref('two-key') } }],
  }
  assert.throws(
    () => tls.wanted(inNamespace, [], wish),
    (error: Error) =>
      /the key given for certificate web is not the key/.test(error.message) && !/BEGIN/.test(error.message),
  )
})
