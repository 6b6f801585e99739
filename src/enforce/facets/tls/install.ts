/**
 * Certificates of a workload as files, whole: `<base>/NAME/current` is a link to a folder that holds one version, so that
 * certificate and key change in one rename. Base is `/etc/guise/tls` in the workload's root; of a bare network namespace it
 * is `/etc/guise/tls/NAMESPACE` on the host, because what lies in /etc/netns/NAME is bound over the host's files by
 * `ip netns exec`, and a folder there would complain at every command. `node:` and steps alone.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { issuedId } from '../../../model/facets/issued-id.ts'
import type { Certificate } from '../../../model/facets/tls.ts'
import { effectSync } from '../../fault.ts'
import { SafeFolder } from '../../safe-folder.ts'
import { readSecret } from '../../secret-files.ts'
import { NAMESPACE_PATH } from '../../step.ts'

export type Spot = { readonly key: string; readonly namespace: string | null; readonly root: string | null }
/**
 * `want` names what is asked for; of what was captured it is a word for what is wrong, when something is. A captured one has no
 * certificate: what lies in a workload's root may be anybody's word, and is never installed again from there.
 */
export type Installed = { readonly name: string; readonly want: string; readonly certificate: Certificate | null }

export type Pair = { readonly certificate: string; readonly privateKey: string }
type About = { readonly version: string; readonly want: string; readonly certificate: Certificate }

const FILES = ['fullchain.pem', 'cert.pem', 'chain.pem', 'key.pem'] as const
/** A program that read the link before the last change still finds what it points to. */
const KEPT_VERSIONS = 2
/** Name of a version that we made. */
const OURS = /^v-[A-Za-z0-9_-]{16}$/
/** Versions, and what we keep beside them; a link that was about to be one, of an install that died (safe-folder.ts). */
const LEFT_BY_US = /^(v|old|new)-|^(told|before|before\.new|current\.new)$/
const RELOAD_SIGNALS = new Set(['HUP', 'USR1', 'USR2'])
const PID_FILE = /^\/(?:run|var\/run|tmp)\/[\w.-]+(?:\/[\w.-]+){0,3}$/
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

export function wantOf(certificate: Certificate): string {
  return createHash('sha256').update(JSON.stringify(certificate)).digest('base64url').slice(0, 16)
}

/** What the agent's home holds for it. Throws a sentence when it is not there or does not fit together. */
export function pairFor(spot: Spot, { given, issue, name }: Certificate, home: string): Pair {
  if (given !== undefined) {
    const folder = join(home, 'secrets')
    const pair = {
      certificate: readSecret(given.certificate, folder),
      privateKey: readSecret(given.privateKey, folder),
    }
    checkPair(name, pair)
    return pair
  }
  try {
    if (issue === undefined) throw new Error('it is neither given nor issued')
    return JSON.parse(readFileSync(issuedPath(home, issuedId(spot.key, name, issue)), 'utf8')) as Pair
  } catch {
    throw new Error(`certificate ${name} of ${spot.key} was not issued yet; the server issues it with the plan`)
  }
}

/** Throws a sentence when a certificate could not be put in place. */
export function readyFor(spot: Spot, certificate: Certificate, home: string): void {
  pairFor(spot, certificate, home)
}

/** What was issued lies in the agent's home, certificate and key in one file, 0600. */
export function issuedPath(home: string, id: string): string {
  return join(home, 'certificates', `${id}.json`)
}

function checkPair(name: string, { certificate, privateKey }: Pair): void {
  let fits = false
  try {
    fits = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))
  } catch {}
  if (!fits)
    throw new Error(`the key given for certificate ${name} is not the key of its first certificate, both as PEM`)
}

export function captureFiles(spot: Spot, home: string): Installed[] {
  const base = openBase(spot, 'find')
  if (base === null) return []
  try {
    return base.names().flatMap((name): Installed[] => {
      const folder = base.find(name)
      if (folder === null) return []
      try {
        return [lookAt(spot, folder, name, home)]
      } finally {
        folder.close()
      }
    })
  } finally {
    base.close()
  }
}

function lookAt(spot: Spot, folder: SafeFolder, name: string, home: string): Installed {
  const target = folder.link('current')
  const current = target === null || !OURS.test(target) ? null : folder.find(target)
  if (current === null) return { name, want: 'no current version', certificate: null }
  try {
    const about = parse(current.read('about.json'))
    if (about === null) return { name, want: 'not ours', certificate: null }
    const is = (want: string): Installed => ({ name, want, certificate: null })
    if (FILES.some((file) => current.mode(file) !== modeOf(file, about.certificate))) return is('other modes')
    if (versionOf(FILES.map((file) => current.read(file) ?? '')) !== about.version) return is('other content')
    if (folder.read('told') !== about.version) return is('nobody told')
    return is(isNewest(spot, about, home) ? about.want : 'an older one')
  } finally {
    current.close()
  }
}

/** A renewed certificate waits in the agent's home until this says no. */
function isNewest(spot: Spot, about: About, home: string): boolean {
  try {
    return versionOf(contentsOf(pairFor(spot, about.certificate, home))) === about.version
  } catch {
    return true
  }
}

export function convergeFiles(spot: Spot, wanted: readonly Installed[], home: string): void {
  const found = captureFiles(spot, home)
  const same = (one: Installed) => found.some(({ name, want }) => name === one.name && want === one.want)
  const extra = found.filter(
    ({ name, want }) => !wanted.some((one) => one.name === name && (one.certificate !== null || one.want === want)),
  )
  const missing = wanted.filter((one) => one.certificate !== null && !same(one))
  if (extra.length === 0 && missing.length === 0) return
  // Everything is at hand before anything is written.
  const pairs = missing.map(({ certificate }) => contentsOf(pairFor(spot, certificate!, home)))
  const base = openBase(spot, 'make')!
  try {
    missing.forEach(({ certificate, want }, i) => {
      install(spot, base, certificate!, want, pairs[i]!)
    })
    for (const { name, want } of extra) if (want !== 'not ours') takeOff(spot, base, name)
  } finally {
    base.close()
  }
}

function install(
  spot: Spot,
  base: SafeFolder,
  certificate: Certificate,
  want: string,
  contents: readonly string[],
): void {
  const { name, owner = { uid: 0, gid: 0 } } = certificate
  const folder = base.make(name)
  try {
    const version = versionOf(contents)
    const target = `v-${version.slice(0, 16)}`
    const temporary = `new-${version.slice(0, 16)}`
    folder.remove(temporary)
    const fresh = folder.make(temporary, 0o700)
    try {
      FILES.forEach((file, i) => {
        fresh.write(file, contents[i]!, modeOf(file, certificate), owner)
      })
      fresh.write('about.json', JSON.stringify({ version, want, certificate } satisfies About), 0o644, {
        uid: 0,
        gid: 0,
      })
      fresh.own(0o755, { uid: 0, gid: 0 })
    } finally {
      fresh.close()
    }
    // The same content with another owner or hook: what is there is put aside, not written over.
    const aside = `old-${version.slice(0, 16)}`
    if (folder.mode(target) !== null) {
      // Of an install that died before it had removed it: no folder takes the name of one that has files (rename(2)).
      folder.remove(aside)
      folder.rename(target, aside)
    }
    folder.rename(temporary, target)
    // What somebody else put there comes back when ours goes.
    const before = folder.link('current')
    if (before !== null && !OURS.test(before)) folder.point('before', before)
    folder.point('current', target)
    folder.remove(aside)
    tell(spot, certificate)
    folder.remove('told')
    folder.write('told', version, 0o644, { uid: 0, gid: 0 })
    prune(folder, target)
  } finally {
    folder.close()
  }
}

function prune(folder: SafeFolder, current: string): void {
  const versions = folder.names().filter((name) => /^(v|old|new)-/.test(name) && name !== current)
  const aged = versions.map((name) => ({ name, at: folder.changedAt(name) })).sort((a, b) => b.at - a.at)
  for (const { name } of aged.slice(KEPT_VERSIONS - 1)) folder.remove(name)
}

function takeOff(spot: Spot, base: SafeFolder, name: string): void {
  const folder = base.find(name)
  if (folder === null) return
  try {
    const reload = reloadOf(folder)
    const [current, before] = [folder.link('current'), folder.link('before')]
    if (current !== null && OURS.test(current))
      if (before === null) folder.remove('current')
      else {
        folder.point('current', before)
        tell(spot, { name, ...(reload === undefined ? {} : { reload }) })
      }
    for (const file of folder.names()) if (LEFT_BY_US.test(file)) folder.remove(file)
    if (folder.names().length > 0) return
  } finally {
    folder.close()
  }
  base.remove(name)
}

/** Whom the version in place tells: anybody's word, so it must be one that a wish could say. */
function reloadOf(folder: SafeFolder): Certificate['reload'] {
  const target = folder.link('current')
  const current = target !== null && OURS.test(target) ? folder.find(target) : null
  const reload = parse(current?.read('about.json') ?? null)?.certificate?.reload
  current?.close()
  const isOne = RELOAD_SIGNALS.has(reload?.signal ?? '') && PID_FILE.test(reload?.pidFile ?? '')
  return isOne ? reload : undefined
}

/** A signal to the program that reads them, if it runs, and only if it is one of this workload: the file is not ours. */
function tell(spot: Spot, { reload, name }: Pick<Certificate, 'reload' | 'name'>): void {
  if (reload === undefined) return
  const text = readBelow(spot.root ?? '/', reload.pidFile)
  const named = /^\s*([1-9]\d{0,9})\s*$/.exec(text ?? '')?.[1]
  if (named === undefined) return
  const pid = belongs(spot, named) ? named : fromInside(spot, named)
  if (pid === null)
    throw new Error(
      `${reload.pidFile} names process ${named}, which is not in ${spot.key}: certificate ${name} is there, nobody was told`,
    )
  try {
    effectSync('tls signal', () => process.kill(Number(pid), `SIG${reload.signal}`))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function belongs({ namespace, root }: Spot, pid: string): boolean {
  try {
    if (namespace !== null) return statSync(`/proc/${pid}/ns/net`).ino === statSync(namespace).ino
    return root !== null && readlinkSync(`/proc/${pid}/root`) === root
  } catch {
    return false
  }
}

/** A container counts its processes from one: ours of the one that it calls `pid` (proc(5), NSpid). */
function fromInside(spot: Spot, pid: string): string | null {
  if (spot.root === null) return null
  const home = statSync(spot.root)
  const isIt = (one: string) => {
    try {
      const inner = /^NSpid:.*\t(\d+)$/m.exec(readFileSync(`/proc/${one}/status`, 'latin1'))?.[1]
      if (inner !== pid || (spot.namespace !== null && !belongs(spot, one))) return false
      const root = statSync(`/proc/${one}/root/`)
      return root.ino === home.ino && root.dev === home.dev
    } catch {
      return false
    }
  }
  return readdirSync('/proc').find((one) => /^\d+$/.test(one) && isIt(one)) ?? null
}

function readBelow(anchor: string, path: string): string | null {
  // A link on every Debian.
  const names = path
    .replace(/^\/var\/run\//, '/run/')
    .slice(1)
    .split('/')
  try {
    const folder = SafeFolder.walk(anchor, names.slice(0, -1))
    try {
      return folder?.read(names.at(-1)!) ?? null
    } finally {
      folder?.close()
    }
  } catch {
    return null
  }
}

function openBase({ namespace, root, key }: Spot, how: 'find' | 'make'): SafeFolder | null {
  if (root === null && (namespace === null || !NAMESPACE_PATH.test(namespace)))
    throw new Error(`${key} has neither a root nor a namespace for its certificates`)
  const path = ['etc', 'guise', 'tls', ...(root === null ? [basename(namespace!)] : [])]
  return SafeFolder.walk(root ?? '/', path, how)
}

export function contentsOf({ certificate, privateKey }: Pair): string[] {
  const [leaf = '', ...chain] = certificate.match(PEM) ?? []
  return [[leaf, ...chain].map(line).join(''), line(leaf), chain.map(line).join(''), line(privateKey.trim())]
}

const line = (text: string) => `${text}\n`

function versionOf(contents: readonly string[]): string {
  return createHash('sha256').update(contents.join('\0')).digest('base64url')
}

function modeOf(file: (typeof FILES)[number], { owner }: Certificate): number {
  return file !== 'key.pem' ? 0o644 : owner === undefined || owner.gid === 0 ? 0o600 : 0o640
}

function parse(text: string | null): About | null {
  try {
    const about = JSON.parse(text ?? '') as About
    return typeof about.version === 'string' && typeof about.want === 'string' ? about : null
  } catch {
    return null
  }
}
