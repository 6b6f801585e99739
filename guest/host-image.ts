/**
 * A larger guest that is a host of its own: Debian's kernel with nftables and a disk, nft, ip, and the Node that runs here.
 * What it is to run is laid over it by whoever starts it. Built when a bench wants it, and kept in the cache of the small one.
 */
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cacheFolder, type GuestImage } from './build.ts'
import { cpioArchive, type Entry } from './cpio.ts'
import { librariesOf, libraryFolder, modulesOf, one, program, programOf, text } from './entries.ts'
import { currentPackage, fetchPackages } from './packages.ts'

const PACKAGES = [
  'busybox-static',
  'qemu-guest-agent',
  'iproute2',
  'nftables',
  'util-linux',
  'libstdc++6',
  'libgcc-s1',
  'iputils-ping',
] as const
const PROGRAMS = ['busybox', 'qemu-ga', 'ip', 'nft', 'nsenter', 'setpriv', 'ping']
const MODULES =
  'virtio_pci virtio_net virtio_console virtio_blk virtio_rng ext4 crc32c_generic veth nf_tables nft_ct nft_limit nft_log nft_reject_inet nft_nat nft_chain_nat nfnetlink_log nf_log_syslog nf_conntrack_netlink inet_diag tcp_diag udp_diag'
const APPLETS =
  'sh mount mkdir insmod hostname sleep usleep cat echo rm ln ls ps kill sync sysctl sed tee mv tar poweroff reboot head sha256sum'
const FOLDERS =
  'dev proc sys run tmp etc etc/netns etc/systemd etc/systemd/system modules opt persist usr usr/bin usr/sbin usr/lib usr/lib64 usr/lib/x86_64-linux-gnu var var/cache var/cache/guise var/lib var/log var/run'
const SOURCES = ['host-image.ts', 'host-root/init', 'entries.ts', 'cpio.ts', 'elf.ts', 'packages.ts']
const APPEND = 'console=ttyS0 panic=-1 mitigations=off nokaslr random.trust_cpu=on loglevel=3'

/** About 80 MB of download the first time; then nothing. Throws a sentence with its cure. */
export async function buildHostImage(cache = cacheFolder()): Promise<GuestImage> {
  if (process.arch !== 'x64') throw new Error('the guest is built for amd64 only; this machine is another')
  const hash = createHash('sha256').update(process.version)
  for (const path of SOURCES) hash.update(readFileSync(new URL(path, import.meta.url)))
  const home = join(cache, `host-${hash.digest('hex').slice(0, 16)}`)
  const image = { kernel: join(home, 'vmlinuz'), initrd: join(home, 'initrd'), append: APPEND }
  if (existsSync(image.initrd)) return image
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'building-'))
  try {
    // apt fetches as its own user.
    chmodSync(work, 0o755)
    const kernel = await currentPackage('linux-image-cloud-amd64', /^linux-image-\d/)
    const roots = await fetchPackages([kernel, ...PACKAGES], work)
    mkdirSync(join(work, 'image'))
    writeFileSync(join(work, 'image', 'vmlinuz'), readFileSync(one(roots, 'boot/vmlinuz-*')))
    writeFileSync(join(work, 'image', 'initrd'), cpioArchive(entriesOf(roots)))
    try {
      renameSync(join(work, 'image'), home)
    } catch (error) {
      if (!existsSync(image.initrd)) throw error
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return image
}

function entriesOf(roots: readonly string[]): Entry[] {
  const modules = modulesOf(roots, MODULES.split(' '))
  const files = [...PROGRAMS.map((name) => programOf(roots, name)), process.execPath, ...modules]
  return [
    ...FOLDERS.split(' ').map((path): Entry => ({ path, kind: 'folder' })),
    ...['bin', 'sbin', 'lib', 'lib64'].map((path): Entry => ({ path, kind: 'link', target: `usr/${path}` })),
    { path: 'dev/console', kind: 'device', major: 5, minor: 1 },
    ...PROGRAMS.map((name) => program(`usr/bin/${name}`, programOf(roots, name))),
    program('usr/bin/node', process.execPath),
    ...APPLETS.split(' ').map((name): Entry => ({ path: `usr/bin/${name}`, kind: 'link', target: 'busybox' })),
    ...librariesOf(roots, files).map((path) => program(`${libraryFolder(path)}/${basename(path)}`, path)),
    ...modules.map((path) => program(`modules/${basename(path)}`, path)),
    text('modules/order', modules.map((path) => `/modules/${basename(path)}\n`).join(''), 0o644),
    program('init', new URL('host-root/init', import.meta.url).pathname),
    text('etc/passwd', 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n', 0o644),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n', 0o644),
    text('etc/resolv.conf', '', 0o644),
  ]
}
