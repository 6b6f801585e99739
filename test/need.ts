/** What a test may ask of the machine. A skip is honest for an ordinary user; as root it fails the run (tasks/test.ts). */

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { CHROMIUM } from '../web/test/chromium.ts'

/** `test('…', { skip: needRoot() }, …)`: false when the kernel can be used, else why not. */
export function needRoot(): string | false {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root: kernel tests make their own network namespaces'
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' })
    execFileSync('ip', ['-V'], { stdio: 'ignore' })
  } catch {
    return 'needs nft and ip (npm test installs them as root on Debian)'
  }
  return false
}

/** For machines that are started for real, under full emulation. */
export function needQemu(): string | false {
  try {
    execFileSync('qemu-system-x86_64', ['--version'], { stdio: 'ignore' })
    execFileSync('qemu-img', ['--version'], { stdio: 'ignore' })
  } catch {
    return 'needs qemu-system-x86_64 and qemu-img (npm test installs them as root on Debian)'
  }
  return false
}

export function needDnsmasq(): string | false {
  return existsSync('/usr/sbin/dnsmasq') ? false : 'needs dnsmasq (npm test installs dnsmasq-base as root on Debian)'
}

/** For containers that are started for real. */
export function needPodman(): string | false {
  try {
    execFileSync('podman', ['--version'], { stdio: 'ignore' })
    execFileSync('runc', ['--version'], { stdio: 'ignore' })
  } catch {
    return 'needs podman and runc (npm test installs them as root on Debian)'
  }
  return false
}

/** For domains of libvirt, in a step of their own. */
export function needLibvirt(): string | false {
  try {
    execFileSync('virsh', ['--version'], { stdio: 'ignore' })
    execFileSync('libvirtd', ['--version'], { stdio: 'ignore' })
  } catch {
    return 'needs virsh and libvirtd (npm run libvirt installs them as root on Debian)'
  }
  return needQemu()
}

export function needBrowser(): string | false {
  return CHROMIUM === undefined
    ? 'needs chromium-headless-shell or chromium (npm test installs it as root on Debian)'
    : false
}

/** Real data with truth, kept outside the repository; `false` when it is there. */
export const DATA = process.env.GUISE_DATA ?? new URL('../../shared/data', import.meta.url).pathname
export function needData(path: string): string | false {
  return existsSync(`${DATA}/${path}`) ? false : `data not available: set GUISE_DATA to a folder holding ${path}`
}
