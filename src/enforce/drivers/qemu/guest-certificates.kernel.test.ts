/** Certificates in a real guest: renewed, mended when somebody meddles, and never taken from the guest's own word. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../../../bench/kill/range.ts'
import { buildGuest } from '../../../../guest/build.ts'
import { bootCertificate } from '../../../../guest/certificate.ts'
import { needQemu, needRoot } from '../../../../test/need.ts'
import { issuedId } from '../../../model/facets/issued-id.ts'
import type { Certificate } from '../../../model/facets/tls.ts'
import { issuedPath, type Pair, wantOf } from '../../facets/tls/install.ts'
import { guestAnswers, runInGuest } from './guest-agent.ts'
import { captureCertificates, convergeCertificates } from './guest-certificates.ts'
import { socketsOf } from './machine.ts'
import { type Machines, openMachines } from './machines.ts'

const skip = needRoot() || needQemu()
const KEY = 'vm:of-this-test'
const FOLDER = '/etc/guise/tls/web'
const issue = { names: ['web.lab.internal'] }
const certificate: Certificate = { name: 'web', issue, reload: { signal: 'HUP', pidFile: '/run/nginx.pid' } }
const wish = { name: 'web', want: wantOf(certificate), certificate }
const namespace = `guiseqc${process.pid}`
let home = ''
let agent = ''
let machines: Machines

before(async () => {
  if (skip !== false) return
  home = mkdtempSync(join(tmpdir(), 'guise-guest-tls-'))
  execFileSync('ip', ['netns', 'add', namespace])
  const quota = { machines: 1, memoryMb: 256, cpus: 4 }
  machines = openMachines({ home, namespace: `/run/netns/${namespace}`, quota })
  const boot = { from: 'kernel' as const, ...(await buildGuest()) }
  const sizes = { memoryMb: 128, cpus: 1, accelerator: 'tcg' } as const
  const made = machines.define({ name: 'tls', boot, ...sizes, face: 'gqtls', gateways: [], addresses: [] })
  assert.ok(made.ok)
  agent = socketsOf(made.value.uuid).agent
  await machines.start(made.value.uuid)
  await until('it boots', 60_000, () => guestAnswers(agent, 1_000))
})
after(async () => {
  if (skip !== false) return
  for (const { machine } of machines.all()) await machines.destroy(machine.uuid)
  execFileSync('ip', ['netns', 'del', namespace])
  rmSync(home, { recursive: true, force: true })
})

const inGuest = (program: string, argv: string[], input = '') => runInGuest(agent, program, argv, input)
const file = (name: string) => inGuest('cat', [`${FOLDER}/current/${name}`])
const wear = (...wanted: Parameters<typeof convergeCertificates>[2]) => convergeCertificates(agent, KEY, wanted, home)
/** What a look at the guest says of `web`; never with a certificate to install. */
async function look(): Promise<string | undefined> {
  const found = await captureCertificates(agent, KEY, home)
  for (const one of found) assert.equal(one.certificate, null)
  return found.find(({ name }) => name === 'web')?.want
}

/** As the agent's keeper puts it there. */
async function issued(): Promise<Pair> {
  const { certificate, key } = await bootCertificate('web.lab.internal')
  const pair = { certificate, privateKey: key }
  const path = issuedPath(home, issuedId(KEY, 'web', issue))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify(pair))
  return pair
}

test('what was renewed reaches the guest, and its reader', { skip }, async () => {
  await issued()
  await wear(wish)
  assert.equal(await look(), wish.want)
  const renewed = await issued()
  assert.equal(await look(), 'an older one')
  await wear(wish)
  assert.deepEqual([await look(), (await file('cert.pem')).trim()], [wish.want, renewed.certificate.trim()])
  // As after a death between the rename and the signal.
  await inGuest('tee', [`${FOLDER}/told`], 'v-the-one-before')
  assert.equal(await look(), 'nobody told')
  await wear(wish)
  assert.equal(await look(), wish.want)
})

test('what somebody changed is put right: a mode, an owner, a content, a file that is gone', { skip }, async () => {
  const meddled = async (program: string, argv: string[], want: string, input = '') => {
    await inGuest(program, argv, input)
    assert.equal(await look(), want, `${program} ${argv.join(' ')}`)
    await wear(wish)
    assert.equal(await look(), wish.want)
  }
  const key = await file('key.pem')
  const folder = `${FOLDER}/current`
  // `chmod` is no program for us: what tar brings has the mode it likes.
  await inGuest('rm', [`${folder}/key.pem`])
  await inGuest('tee', [`${folder}/key.pem`], key)
  assert.equal(await look(), 'other modes')
  await wear(wish)
  assert.equal(await look(), wish.want)
  await meddled('tee', [`${folder}/key.pem`], 'other content', `${key}\n`)
  await meddled('rm', [`${folder}/chain.pem`], 'other modes')
  await meddled('rm', [`${FOLDER}/told`], 'other content')
})

test('a guest is not believed: what it says of its certificates is never installed from there', { skip }, async () => {
  const kept = await captureCertificates(agent, KEY, home)
  const about = JSON.parse(await file('about.json'))
  const other = { ...certificate, issue: undefined, given: { certificate: null, privateKey: null } }
  const lies = [{ ...about, certificate: undefined }, { ...about, certificate: other }, { ...about, certificate: 7 }, 7]
  for (const lie of lies) {
    await inGuest('tee', [`${FOLDER}/current/about.json`], JSON.stringify(lie))
    assert.equal(await look(), 'no current version', JSON.stringify(lie))
  }
  // One that fits together, and asks for what this guest was never given.
  const forged = { ...about, certificate: other, want: wantOf(other as unknown as Certificate) }
  await inGuest('tee', [`${FOLDER}/current/about.json`], JSON.stringify(forged))
  assert.notEqual(await look(), wish.want)
  await wear(wish)
  assert.equal(await look(), wish.want)
  // What was there before us is not written again when it is gone, and stays where it is the same.
  await wear(...kept)
  assert.equal(await look(), wish.want)
  await wear()
  await wear(...kept)
  assert.equal(await look(), undefined)
  const asItWas = /current -> boot\n(?!.*(?:before|told|v-))/s
  assert.match(await inGuest('ls', ['-l', FOLDER]), asItWas)
  // As after a death between the two renames: it comes back, and a wish is fulfilled all the same.
  const die = () => inGuest('mv', ['-T', `${FOLDER}/current`, `${FOLDER}/before`])
  await die()
  assert.equal(await look(), 'no current version')
  await wear()
  assert.match(await inGuest('ls', ['-l', FOLDER]), asItWas)
  await die()
  await wear(wish)
  assert.equal(await look(), wish.want)
  await wear()
  assert.match(await inGuest('ls', ['-l', FOLDER]), asItWas)
})
