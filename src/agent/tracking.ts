/** What the kernel of this namespace does not tell us, each with its cure: an agent that sees nothing must not look like a quiet host. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `read` is how many flow events came so far. Nothing is switched on here: the host's settings are its owner's. */
export function trackingGaps(read: number, folder = '/proc/sys/net/netfilter'): string[] {
  const gaps: string[] = []
  if (read === 0 && number(join(folder, 'nf_conntrack_count')) === 0)
    gaps.push(
      'no flow seen: the kernel tracks connections only where a rule asks for their state. Add one to your firewall: ct state invalid counter',
    )
  if (number(join(folder, 'nf_conntrack_acct')) === 0)
    gaps.push('flows come without byte counts. Switch them on: sysctl net.netfilter.nf_conntrack_acct=1')
  return gaps
}

/** Null when the file is not there: then nothing is known. */
function number(path: string): number | null {
  try {
    return Number(readFileSync(path, 'latin1'))
  } catch {
    return null
  }
}
