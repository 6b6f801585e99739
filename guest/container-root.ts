/** The root of the test container: a shell and a web server from Debian's packages, as one archive, kept in the same cache as the guest. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from './build.ts'
import { bootCertificate } from './certificate.ts'
import { fetchPackages } from './packages.ts'

const execute = promisify(execFile)
const SOURCES = ['container-root.ts', 'certificate.ts', 'packages.ts', 'root/etc/nginx/nginx.conf']
const FOLDERS = ['proc', 'sys', 'dev', 'run', 'tmp', 'srv', 'etc/guise/tls/web/boot', 'var/lib/nginx', 'var/log/nginx']
const APPLETS = ['sh', 'cat', 'wget', 'truncate', 'ls']

/** Answers the path of a tar archive. Throws a sentence with its cure. */
export async function buildContainerRoot(cache = cacheFolder()): Promise<string> {
  const hash = createHash('sha256')
  for (const path of SOURCES) hash.update(readFileSync(new URL(path, import.meta.url)))
  const archive = join(cache, `container-${hash.digest('hex').slice(0, 16)}.tar`)
  if (existsSync(archive)) return archive
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'building-'))
  try {
    // apt fetches as its own user.
    chmodSync(work, 0o755)
    const root = join(work, 'root')
    mkdirSync(root)
    for (const one of await fetchPackages(['busybox-static', 'nginx', 'libc6'], work))
      await execute('cp', ['-a', `${one}/.`, root])
    await furnish(root)
    await execute('tar', ['-C', root, '-cf', join(work, 'root.tar'), '.'])
    renameSync(join(work, 'root.tar'), archive)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return archive
}

async function furnish(root: string): Promise<void> {
  for (const name of FOLDERS) mkdirSync(join(root, name), { recursive: true })
  for (const name of APPLETS) symlinkSync('busybox', join(root, 'bin', name))
  for (const unused of ['usr/share', 'usr/lib/x86_64-linux-gnu/gconv'])
    rmSync(join(root, unused), { recursive: true, force: true })
  const settings = join(root, 'etc/nginx/nginx.conf')
  mkdirSync(dirname(settings), { recursive: true })
  copyFileSync(new URL('root/etc/nginx/nginx.conf', import.meta.url), settings)
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n')
  writeFileSync(join(root, 'srv/name'), 'container\n')
  const { certificate, key } = await bootCertificate()
  const web = join(root, 'etc/guise/tls/web')
  writeFileSync(join(web, 'boot/fullchain.pem'), certificate)
  writeFileSync(join(web, 'boot/key.pem'), key, { mode: 0o600 })
  symlinkSync('boot', join(web, 'current'))
}
