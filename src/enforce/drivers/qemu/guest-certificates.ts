/**
 * Certificates inside a guest, laid out as in any other workload: `/etc/guise/tls/NAME/current` is a link to one version,
 * so that certificate and key change in one rename, and their reader is told by a signal. Through its agent; `node:` alone.
 * What lies there may be anybody's word: it says whether a wish is fulfilled, and never becomes one.
 */
import { createHash } from 'node:crypto'
import type { Certificate } from '../../../model/facets/tls.ts'
import { contentsOf, type Installed, pairFor, wantOf } from '../../facets/tls/install.ts'
import { changeInGuest, runInGuest } from './guest-agent.ts'
import { tarArchive } from './tar.ts'

const BASE = '/etc/guise/tls'
const FILES = ['fullchain.pem', 'cert.pem', 'chain.pem', 'key.pem'] as const
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/** Above the longest name of a reader's user that ustar can tell. */
const MOST_ID = 2_097_151

const RELOAD_SIGNALS: readonly unknown[] = ['HUP', 'USR1', 'USR2']
const PID_FILE = /^\/(?:run|var\/run|tmp)\/[\w-][\w.-]*(?:\/[\w-][\w.-]*){0,3}$/

type About = { readonly sums: string; readonly want: string; readonly certificate: Certificate }

/** `key`: of the workload, as its certificates were issued for it. */
export async function captureCertificates(guest: string, key: string, home: string): Promise<Installed[]> {
  const listed = await runInGuest(guest, 'ls', [BASE]).catch(missing)
  const found: Installed[] = []
  for (const name of listed.split('\n').filter((one) => NAME.test(one))) {
    const about = await aboutOf(guest, name)
    const is = (want: string) => found.push({ name, want, certificate: null })
    if (about !== null) is((await faultOf(guest, key, about, home)) ?? about.want)
    // Somebody died between the two renames, or the guest says nothing sensible of what is ours.
    else if (await holdsBefore(guest, name)) is('no current version')
  }
  return found
}

async function faultOf(guest: string, key: string, about: About, home: string): Promise<string | null> {
  const { name, owner } = about.certificate
  const folder = `${BASE}/${name}`
  const paths = FILES.map((file) => `${folder}/current/${file}`)
  const listed = await runInGuest(guest, 'ls', ['-ln', `${folder}/current/`]).catch(missing)
  const own = `${owner?.uid ?? 0} ${owner?.gid ?? 0}`
  const isAsWritten = (file: string) => holderIn(listed, file) === `${modeOf(file, owner?.gid ?? 0).toString(8)} ${own}`
  if (!FILES.every(isAsWritten)) return 'other modes'
  const sums = sumsIn(await runInGuest(guest, 'sha256sum', [...paths, `${folder}/told`]).catch(missing))
  if (sums.slice(0, FILES.length).join(' ') !== about.sums) return 'other content'
  if (sums[FILES.length] !== sumOf(versionOf(about))) return 'nobody told'
  return isNewest(key, about, home) ? null : 'an older one'
}

/** A renewed certificate waits in the agent's home until this says no. */
function isNewest(key: string, { certificate, sums }: About, home: string): boolean {
  try {
    return allSums(contentsOf(pairFor(spotOf(key), certificate, home))) === sums
  } catch {
    return true
  }
}

export async function convergeCertificates(
  guest: string,
  key: string,
  wanted: readonly Installed[],
  home: string,
): Promise<void> {
  const found = await captureCertificates(guest, key, home)
  const pending = wanted.flatMap(({ name, want, certificate }) =>
    certificate === null || found.some((one) => one.name === name && one.want === want) ? [] : [{ want, certificate }],
  )
  const extra = found.filter(
    ({ name, want }) => !wanted.some((one) => one.name === name && (one.certificate !== null || one.want === want)),
  )
  // Everything is at hand before anything is written.
  const ready = pending.map((one) => ({ ...one, contents: contentsOf(pairFor(spotOf(key), one.certificate, home)) }))
  for (const { certificate, want, contents } of ready) {
    // What somebody else put there comes back when ours goes.
    if (!found.some(({ name }) => name === certificate.name)) await setAside(guest, certificate.name)
    await install(guest, certificate, want, contents)
  }
  for (const { name } of extra) await takeOff(guest, name)
}

const spotOf = (key: string) => ({ key, namespace: null, root: null })

/** What was there before us waits to come back. */
async function holdsBefore(guest: string, name: string): Promise<boolean> {
  return (await runInGuest(guest, 'ls', [`${BASE}/${name}`]).catch(missing)).split('\n').includes('before')
}

async function setAside(guest: string, name: string): Promise<void> {
  const folder = `${BASE}/${name}`
  await changeInGuest(guest, 'mkdir', ['-p', folder])
  await changeInGuest(guest, 'mv', ['-T', `${folder}/current`, `${folder}/before`]).catch(missing)
}

async function takeOff(guest: string, name: string): Promise<void> {
  const folder = `${BASE}/${name}`
  const there = (await runInGuest(guest, 'ls', [folder])).split('\n')
  if (!there.includes('before')) return void (await changeInGuest(guest, 'rm', ['-rf', folder]))
  const reload = checkedReload((await aboutOf(guest, name))?.certificate.reload)
  await changeInGuest(guest, 'mv', ['-T', `${folder}/before`, `${folder}/current`])
  await tell(guest, reload)
  const ours = there.filter((one) => one.startsWith('v-') || one === 'told')
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
  const about: About = { sums: allSums(contents), want, certificate }
  const version = versionOf(about)
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
  // The same version once more: nobody was told of this one.
  await changeInGuest(guest, 'rm', ['-f', `${folder}/told`])
  await changeInGuest(guest, 'tar', ['-xp', '-C', folder], archive)
  await changeInGuest(guest, 'mv', ['-T', `${folder}/next`, `${folder}/current`])
  const old = (await runInGuest(guest, 'ls', [folder]))
    .split('\n')
    .filter((one) => one.startsWith('v-') && one !== version)
  await tell(guest, certificate.reload)
  // The reader has been told: nobody needs the versions before.
  if (old.length > 0) await changeInGuest(guest, 'rm', ['-rf', ...old.map((one) => `${folder}/${one}`)])
  await changeInGuest(guest, 'tee', [`${folder}/told`], version)
}

async function tell(guest: string, reload: Certificate['reload']): Promise<void> {
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

const sumOf = (text: string) => createHash('sha256').update(text).digest('hex')
const allSums = (contents: readonly string[]) => contents.map(sumOf).join(' ')

function sumsIn(text: string): string[] {
  return [...text.matchAll(/^([0-9a-f]{64}) /gm)].map((match) => match[1]!)
}

/** Its mode in octal and whose it is, as `ls -ln` says it; a `+` or `.` behind the mode is an access list or a label. */
function holderIn(listed: string, file: string): string | null {
  const line = listed.split('\n').find((one) => one.startsWith('-') && one.endsWith(` ${file}`))
  const [, mode, uid, gid] = /^-([rwx-]{9})[.+]?\s+\d+\s+(\d+)\s+(\d+)\s/.exec(line ?? '') ?? []
  if (mode === undefined) return null
  const bits = [...mode].reduce((sum, bit) => sum * 2 + (bit === '-' ? 0 : 1), 0)
  return `${bits.toString(8)} ${uid} ${gid}`
}

function versionOf(about: About): string {
  return `v-${createHash('sha256').update(JSON.stringify(about)).digest('base64url').slice(0, 16)}`
}

/** What the version in place says of itself, when it fits together: `want` is that of the very certificate it names. */
async function aboutOf(guest: string, name: string): Promise<About | null> {
  try {
    const text = await runInGuest(guest, 'cat', [`${BASE}/${name}/current/about.json`]).catch(missing)
    const { sums, want, certificate } = JSON.parse(text || 'null') as About
    const fits = typeof sums === 'string' && certificate.name === name && wantOf(certificate) === want
    return fits ? { sums, want, certificate } : null
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null
    throw error
  }
}

/** One that a wish could say. */
function checkedReload(reload: Certificate['reload']): Certificate['reload'] {
  const { signal, pidFile } = reload ?? {}
  const isOne = RELOAD_SIGNALS.includes(signal) && typeof pidFile === 'string' && PID_FILE.test(pidFile)
  return isOne ? reload : undefined
}
