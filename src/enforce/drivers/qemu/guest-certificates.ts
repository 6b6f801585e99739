/**
 * Certificates inside a guest, laid out as in any other workload: `/etc/guise/tls/NAME/current` is a link to one version,
 * so that certificate and key change in one rename, and their reader is told by a signal. Through its agent; `node:` alone.
 */
import { createHash } from 'node:crypto'
import type { Certificate } from '../../../model/facets/tls.ts'
import { contentsOf, type Installed, pairFor } from '../../facets/tls/install.ts'
import { changeInGuest, runInGuest } from './guest-agent.ts'
import { tarArchive } from './tar.ts'

const BASE = '/etc/guise/tls'
const FILES = ['fullchain.pem', 'cert.pem', 'chain.pem', 'key.pem'] as const
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/** Above the longest name of a reader's user that ustar can tell. */
const MOST_ID = 2_097_151

type About = { readonly sums: string; readonly want: string; readonly certificate: Certificate }

export async function captureCertificates(guest: string): Promise<Installed[]> {
  const listed = await runInGuest(guest, 'ls', [BASE]).catch(missing)
  const found: Installed[] = []
  for (const name of listed.split('\n').filter((one) => NAME.test(one))) {
    const current = `${BASE}/${name}/current`
    const about = parse(await runInGuest(guest, 'cat', [`${current}/about.json`]).catch(missing))
    if (about === null) continue
    const sums = await runInGuest(
      guest,
      'sha256sum',
      FILES.map((file) => `${current}/${file}`),
    ).catch(missing)
    found.push({
      name,
      want: sumsIn(sums) === about.sums ? about.want : 'other content',
      certificate: about.certificate,
    })
  }
  return found
}

/** `key`: of the workload, as its certificates were issued for it. */
export async function convergeCertificates(
  guest: string,
  key: string,
  wanted: readonly Installed[],
  home: string,
): Promise<void> {
  const found = await captureCertificates(guest)
  const pending = wanted.flatMap(({ name, want, certificate }) =>
    certificate === null || found.some((one) => one.name === name && one.want === want) ? [] : [{ want, certificate }],
  )
  // Everything is at hand before anything is written.
  const ready = pending.map((one) => ({
    ...one,
    contents: contentsOf(pairFor({ key, namespace: null, root: null }, one.certificate, home)),
  }))
  for (const { certificate, want, contents } of ready) {
    // What somebody else put there comes back when ours goes.
    if (!found.some(({ name }) => name === certificate.name)) await setAside(guest, certificate.name)
    await install(guest, certificate, want, contents)
  }
  for (const one of found) if (!wanted.some(({ name }) => name === one.name)) await takeOff(guest, one)
}

async function setAside(guest: string, name: string): Promise<void> {
  const folder = `${BASE}/${name}`
  await changeInGuest(guest, 'mkdir', ['-p', folder])
  await changeInGuest(guest, 'mv', ['-T', `${folder}/current`, `${folder}/before`]).catch(missing)
}

async function takeOff(guest: string, { name, certificate }: Installed): Promise<void> {
  const folder = `${BASE}/${name}`
  const there = (await runInGuest(guest, 'ls', [folder])).split('\n')
  if (!there.includes('before')) return void (await changeInGuest(guest, 'rm', ['-rf', folder]))
  await changeInGuest(guest, 'mv', ['-T', `${folder}/before`, `${folder}/current`])
  if (certificate !== null) await tell(guest, certificate)
  const ours = there.filter((one) => one.startsWith('v-'))
  await changeInGuest(guest, 'rm', ['-rf', ...ours.map((one) => `${folder}/${one}`)])
}

async function install(
  guest: string,
  certificate: Certificate,
  want: string,
  contents: readonly string[],
): Promise<void> {
  const { name, owner = { uid: 0, gid: 0 } } = certificate
  if (owner.uid > MOST_ID || owner.gid > MOST_ID)
    throw new Error(`certificate ${name}: no owner above ${MOST_ID} in a guest`)
  const sums = contents.map((text) => createHash('sha256').update(text).digest('hex')).join(' ')
  const about: About = { sums, want, certificate }
  const version = `v-${createHash('sha256').update(JSON.stringify(about)).digest('base64url').slice(0, 16)}`
  const folder = `${BASE}/${name}`
  const root = { uid: 0, gid: 0 }
  const archive = tarArchive([
    { name: `${version}/`, folder: true, mode: 0o755 },
    ...FILES.map((file, i) => ({
      name: `${version}/${file}`,
      text: contents[i]!,
      mode: modeOf(file, owner.gid),
      ...owner,
    })),
    { name: `${version}/about.json`, text: JSON.stringify(about), mode: 0o644, ...root },
    { name: 'next', target: version },
  ])
  await changeInGuest(guest, 'tar', ['-xp', '-C', folder], archive)
  await changeInGuest(guest, 'mv', ['-T', `${folder}/next`, `${folder}/current`])
  const old = (await runInGuest(guest, 'ls', [folder]))
    .split('\n')
    .filter((one) => one.startsWith('v-') && one !== version)
  await tell(guest, certificate)
  // The reader has been told: nobody needs the versions before.
  if (old.length > 0) await changeInGuest(guest, 'rm', ['-rf', ...old.map((one) => `${folder}/${one}`)])
}

async function tell(guest: string, { reload }: Certificate): Promise<void> {
  if (reload === undefined) return
  const pid = (await runInGuest(guest, 'cat', [reload.pidFile]).catch(missing)).trim()
  if (/^[1-9]\d{0,6}$/.test(pid)) await changeInGuest(guest, 'kill', ['-s', reload.signal, pid]).catch(missing)
}

function modeOf(file: string, gid: number): number {
  return file !== 'key.pem' ? 0o644 : gid === 0 ? 0o600 : 0o640
}

/** A file that is not there is an answer; an agent that is silent is none. */
function missing(error: Error): string {
  if (/ in the guest ended with \d/.test(error.message)) return ''
  throw error
}

function sumsIn(text: string): string {
  return [...text.matchAll(/^([0-9a-f]{64}) /gm)].map((match) => match[1]).join(' ')
}

function parse(text: string): About | null {
  try {
    const about = JSON.parse(text) as About
    return typeof about.sums === 'string' && typeof about.want === 'string' ? about : null
  } catch {
    return null
  }
}
