/**
 * Debian's packages come in, a small guest goes out: a kernel and an initramfs with a guest agent, a DHCP client, WireGuard
 * and an HTTPS server, made when a test wants it and kept in a cache. No binary of it stands in this repository.
 */
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { cpioArchive } from './cpio.ts'
import { guestEntries } from './entries.ts'
import { currentPackage, fetchPackages } from './packages.ts'

export type GuestImage = {
  readonly kernel: string
  readonly initrd: string
  /** Of the kernel's command line. */
  readonly append: string
}

const PACKAGES = ['busybox-static', 'qemu-guest-agent', 'iproute2', 'wireguard-tools', 'nginx'] as const
const SOURCES = [
  'build.ts',
  'cpio.ts',
  'elf.ts',
  'entries.ts',
  'packages.ts',
  'root/init',
  'root/etc/udhcpc.sh',
  'root/etc/nginx/nginx.conf',
  'root/usr/sbin/shutdown',
  'certificate.ts',
]
const APPEND = 'console=ttyS0 quiet panic=-1 mitigations=off nokaslr random.trust_cpu=on'

/** `GUISE_GUEST_CACHE`, else beside the other caches of this user. */
export function cacheFolder(): string {
  const user = process.getuid?.() === 0 ? '/var/cache/guise' : join(homedir(), '.cache', 'guise')
  return process.env.GUISE_GUEST_CACHE ?? join(user, 'guest')
}

/** About 20 s and 40 MB of download the first time; then nothing. Throws a sentence with its cure. */
export async function buildGuest(cache = cacheFolder()): Promise<GuestImage> {
  if (process.arch !== 'x64') throw new Error('the test guest is built for amd64 only; this machine is another')
  const hash = createHash('sha256')
  for (const path of SOURCES) hash.update(readFileSync(new URL(path, import.meta.url)))
  const home = join(cache, hash.digest('hex').slice(0, 16))
  const image = { kernel: join(home, 'vmlinuz'), initrd: join(home, 'initrd'), append: APPEND }
  if (existsSync(image.initrd)) return image
  mkdirSync(cache, { recursive: true })
  // Two tests at once build twice and keep one; a build that died leaves nothing under the final name.
  const work = mkdtempSync(join(cache, 'building-'))
  try {
    await buildInto(work)
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

async function buildInto(work: string): Promise<void> {
  // apt fetches as its own user.
  chmodSync(work, 0o755)
  const kernel = await currentPackage('linux-image-cloud-amd64', /^linux-image-\d/)
  const roots = await fetchPackages([kernel, ...PACKAGES], work)
  const made = await guestEntries(roots)
  mkdirSync(join(work, 'image'))
  writeFileSync(join(work, 'image', 'vmlinuz'), made.kernel)
  writeFileSync(join(work, 'image', 'initrd'), cpioArchive(made.entries))
}
