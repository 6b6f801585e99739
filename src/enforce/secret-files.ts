/**
 * The secrets this host was given: `<home>/secrets/NAME.VERSION.DIGEST`, 0600 in a folder of 0700. A part reads them by
 * reference at the moment it needs one. Depends on `node:` alone, because the supervisor takes changes back with them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { SecretRef } from '../model/facets/secret.ts'
import { effectSync } from './fault.ts'
import { syncFolder, writeSynced } from './write-synced.ts'

const PART = { secret: /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/, digest: /^[A-Za-z0-9_-]{43}$/ }
let home: string | null = null

/** Said once by whoever starts: the folder that parts read from. */
export function keepSecretsIn(folder: string): void {
  effectSync('mkdir', () => mkdirSync(join(folder, 'secrets'), { recursive: true, mode: 0o700 }))
  home = folder
}

export function secretsHome(): string {
  if (home === null) throw new Error('this process has no home, so it has no secrets')
  return home
}

export function secretsFolder(): string {
  return join(secretsHome(), 'secrets')
}

export function hasSecret(ref: SecretRef, folder = secretsFolder()): boolean {
  return existsSync(pathOf(folder, ref))
}

/** Throws a sentence without the value. */
export function readSecret(ref: SecretRef, folder = secretsFolder()): string {
  try {
    return readFileSync(pathOf(folder, ref), 'utf8')
  } catch {
    throw new Error(
      `secret ${ref.secret} version ${ref.version} is not on this host; the server hands it out with the plan`,
    )
  }
}

/** Whole or not there. */
export function writeSecret(ref: SecretRef, value: string, folder = secretsFolder()): void {
  const path = pathOf(folder, ref)
  const temporary = `${path}.${process.pid}.new`
  writeSynced(temporary, value, 'secret ')
  effectSync('secret rename', () => renameSync(temporary, path))
  syncFolder(folder, 'secret ')
}

/** What nothing refers to any more is removed, and what a death left behind before it had its name. */
export function keepOnlySecrets(refs: readonly SecretRef[], folder = secretsFolder()): void {
  const names = new Set(refs.map(fileOf))
  for (const name of readdirSync(folder))
    if ((/\.[A-Za-z0-9_-]{43}$/.test(name) && !names.has(name)) || /\.\d+\.new$/.test(name))
      effectSync('secret remove', () => rmSync(join(folder, name), { force: true }))
}

function pathOf(folder: string, ref: SecretRef): string {
  return join(folder, fileOf(ref))
}

function fileOf({ secret, version, digest }: SecretRef): string {
  if (!PART.secret.test(secret) || !Number.isSafeInteger(version) || !PART.digest.test(digest))
    throw new Error('this is no reference to a secret')
  return `${secret}.${version}.${digest}`
}
