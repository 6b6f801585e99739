/** Can this process enforce in a kernel here? One sentence when not, with the cure. */
import { accessSync, constants } from 'node:fs'

export function enforcementMissing(): string | null {
  if (process.platform !== 'linux') return 'network personas are enforced by the Linux kernel, and this is not Linux'
  if (process.getuid?.() !== 0) return 'not root. Start with sudo npm start to see enforcement'
  for (const [program, packageName] of [
    ['nft', 'nftables'],
    ['ip', 'iproute2'],
  ] as const) {
    if (!onPath(program)) return `${program} is missing. Install it with apt-get install ${packageName}`
  }
  return null
}

function onPath(program: string): boolean {
  return (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(':').some((dir) => {
    try {
      accessSync(`${dir}/${program}`, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
