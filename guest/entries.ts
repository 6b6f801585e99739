/** Unpacked packages come in, the files of the guest go out: programs, the libraries and modules they need, our own settings. */
import { existsSync, globSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { bootCertificate } from './certificate.ts'
import type { Entry } from './cpio.ts'
import { neededLibraries, neededModules } from './elf.ts'

const PROGRAMS = ['busybox', 'qemu-ga', 'ip', 'ss', 'wg', 'nginx']
const MODULES = [
  'virtio_pci',
  'virtio_net',
  'virtio_console',
  'virtio_balloon',
  'virtio_blk',
  'virtio_rng',
  'wireguard',
  'tcp_diag',
  'udp_diag',
]
const APPLETS =
  'sh mount mkdir insmod hostname sleep usleep cat echo rm ln ls ps kill udhcpc wget sha256sum dd truncate ping nslookup nc sync sysctl tee mv tar poweroff reboot head'
const OURS = ['init', 'etc/udhcpc.sh', 'etc/nginx/nginx.conf', 'usr/sbin/shutdown']
const FOLDERS =
  'dev proc sys run tmp etc etc/nginx etc/guise etc/guise/tls etc/guise/tls/web etc/guise/tls/web/boot modules srv usr usr/bin usr/sbin usr/lib usr/lib64 usr/lib/x86_64-linux-gnu usr/share usr/share/nginx var var/lib var/log var/run'

export async function guestEntries(roots: readonly string[]): Promise<{ kernel: Buffer; entries: Entry[] }> {
  const files = [...new Set([...PROGRAMS.map((name) => programOf(roots, name)), ...modulesOf(roots)])]
  const libraries = librariesOf(roots, files)
  const certificate = await bootCertificate()
  return {
    kernel: readFileSync(one(roots, 'boot/vmlinuz-*')),
    entries: [
      ...FOLDERS.split(' ').map((path): Entry => ({ path, kind: 'folder' })),
      ...['bin', 'sbin', 'lib', 'lib64'].map((path): Entry => ({ path, kind: 'link', target: `usr/${path}` })),
      { path: 'dev/console', kind: 'device', major: 5, minor: 1 },
      ...PROGRAMS.map((name) => program(`usr/${name === 'nginx' ? 'sbin' : 'bin'}/${name}`, programOf(roots, name))),
      ...APPLETS.split(' ').map((name): Entry => ({ path: `usr/bin/${name}`, kind: 'link', target: 'busybox' })),
      ...libraries.map((path) => program(`${libraryFolder(path)}/${basename(path)}`, path)),
      ...modulesOf(roots).map((path) => program(`modules/${basename(path)}`, path)),
      text(
        'modules/order',
        modulesOf(roots)
          .map((path) => `/modules/${basename(path)}\n`)
          .join(''),
        0o644,
      ),
      ...OURS.map((path) => program(path, new URL(`root/${path}`, import.meta.url).pathname)),
      text('etc/passwd', 'root:x:0:0:root:/:/bin/sh\n', 0o644),
      text('etc/group', 'root:x:0:\n', 0o644),
      text('etc/resolv.conf', '', 0o644),
      { path: 'etc/guise/tls/web/current', kind: 'link', target: 'boot' },
      text('etc/guise/tls/web/boot/fullchain.pem', certificate.certificate, 0o644),
      text('etc/guise/tls/web/boot/key.pem', certificate.key, 0o600),
    ],
  }
}

export function program(path: string, from: string): Entry {
  return { path, kind: 'file', bytes: readFileSync(from), mode: 0o755 }
}

export function text(path: string, words: string, mode: number): Entry {
  return { path, kind: 'file', bytes: Buffer.from(words), mode }
}

/** The first file of that name in any package. */
export function one(roots: readonly string[], pattern: string): string {
  for (const root of roots) {
    const [found] = globSync(pattern, { cwd: root }).sort()
    if (found !== undefined) return join(root, found)
  }
  throw new Error(`no package of the test guest holds ${pattern}`)
}

export function programOf(roots: readonly string[], name: string): string {
  return one(roots, `{usr/bin,usr/sbin,bin,sbin}/${name}`)
}

export function librariesOf(roots: readonly string[], files: readonly string[]): string[] {
  const found = new Map<string, string>()
  const waiting = [...files]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    for (const name of neededLibraries(readFileSync(file))) {
      if (found.has(name)) continue
      const path = one(roots, `{usr/lib,lib}{64,/x86_64-linux-gnu}/${name}`)
      found.set(name, join(dirname(path), name))
      waiting.push(existsSync(path) ? realpathSync(path) : path)
    }
  }
  // The loader is asked for by its path, and so by no package's list.
  const loader = 'ld-linux-x86-64.so.2'
  found.set(loader, join(dirname(one(roots, `{usr/lib,lib}/x86_64-linux-gnu/${loader}`)), loader))
  return [...found.values()]
}

export function libraryFolder(path: string): string {
  return basename(path).startsWith('ld-linux') ? 'usr/lib64' : 'usr/lib/x86_64-linux-gnu'
}

/** In the order in which they load. */
export function modulesOf(roots: readonly string[], names: readonly string[] = MODULES): string[] {
  const [root] = roots.filter((path) => existsSync(join(path, 'boot')))
  if (root === undefined) throw new Error('no package of the test guest holds a kernel')
  const folder = globSync('{usr/,}lib/modules/*/kernel', { cwd: root })[0]!
  const byName = new Map(
    globSync('**/*.ko', { cwd: join(root, folder) }).map((path) => [basename(path, '.ko').replaceAll('-', '_'), path]),
  )
  const order: string[] = []
  const load = (name: string) => {
    const path = byName.get(name.replaceAll('-', '_'))
    // Built into the kernel.
    if (path === undefined || order.includes(join(root, folder, path))) return
    for (const other of neededModules(readFileSync(join(root, folder, path)))) load(other)
    order.push(join(root, folder, path))
  }
  for (const name of names) load(name)
  return order
}
