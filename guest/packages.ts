/** Debian packages by name, with the libraries they need, go into a folder: downloaded by apt as this machine has it configured, and unpacked. */
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const DOWNLOAD_MS = 180_000

/** Answers the folders the packages were unpacked to. Throws a sentence with its cure. */
export async function fetchPackages(names: readonly string[], folder: string): Promise<string[]> {
  const all = await withLibraries(names)
  const [debs, roots] = [join(folder, 'debs'), join(folder, 'roots')]
  mkdirSync(debs, { recursive: true })
  await apt('apt-get', ['-q', 'download', ...all], debs)
  const unpacked: string[] = []
  for (const deb of readdirSync(debs).sort()) {
    const root = join(roots, deb.split('_')[0]!)
    mkdirSync(root, { recursive: true })
    await execute('dpkg-deb', ['-x', join(debs, deb), root], { timeout: DOWNLOAD_MS })
    unpacked.push(root)
  }
  return unpacked
}

/** A package such as `linux-image-cloud-amd64` holds nothing: it depends on the one of the day. */
export async function currentPackage(meta: string, pattern: RegExp): Promise<string> {
  const found = (await dependencies([meta])).find((name) => pattern.test(name))
  if (found === undefined) throw new Error(`apt knows no package behind ${meta}; cure: apt-get update`)
  return found
}

/** Libraries only: what else a package depends on (its set-up, its documentation) a test's guest does without. */
async function withLibraries(names: readonly string[]): Promise<string[]> {
  const all = new Set(names)
  let fresh: readonly string[] = names
  while (fresh.length > 0) {
    const next = (await dependencies(fresh)).filter((name) => /^z?lib[a-z0-9.+-]+$/.test(name) && !all.has(name))
    fresh = [...new Set(next)]
    for (const name of fresh) all.add(name)
  }
  return [...all]
}

async function dependencies(names: readonly string[]): Promise<string[]> {
  const listed = await apt('apt-cache', ['depends', '--important', ...names])
  return [...listed.matchAll(/^ [ |](?:Pre)?Depends: (\S+)$/gm)].map((match) => match[1]!)
}

async function apt(program: string, argv: readonly string[], cwd?: string): Promise<string> {
  const options = { timeout: DOWNLOAD_MS, maxBuffer: 16 << 20, ...(cwd === undefined ? {} : { cwd }) }
  try {
    return (await execute(program, [...argv], options)).stdout
  } catch (error) {
    const words = ((error as { stderr?: string }).stderr ?? (error as Error).message)
      .trim()
      .split('\n')
      .slice(-2)
      .join(' ')
    throw new Error(
      `${program} ${argv[0] === '-q' ? argv[1] : argv[0]} failed: ${words.slice(0, 300)}; the test guest is built from Debian packages. ` +
        'Cure: apt-get update, on a Debian machine that reaches its mirror, then again',
    )
  }
}
