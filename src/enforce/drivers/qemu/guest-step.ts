/** What is written in a guest, each kind whole and idempotent, for those who converge and for the supervisor. `node:` and the agent alone. */
import type { Installed } from '../../facets/tls/install.ts'
import type { Tunnel } from '../../facets/vpn/tunnel.ts'
import { changeInGuest, runInGuest } from './guest-agent.ts'
import { convergeCertificates } from './guest-certificates.ts'
import { convergeGuestTunnel } from './guest-tunnel.ts'

type Write =
  | { readonly what: 'resolver'; readonly text: string | null }
  | { readonly what: 'tunnel'; readonly tunnel: Tunnel | null; readonly secrets: string }
  | {
      readonly what: 'certificates'
      readonly key: string
      readonly certificates: readonly Installed[]
      readonly home: string
    }

export type GuestStep = {
  readonly run: 'guest'
  /** Socket of its agent. */
  readonly guest: string
  readonly write: Write
  readonly lenient?: true
}

const RESOLVER = '/etc/resolv.conf'

export function runGuestStep({ guest, write }: GuestStep): Promise<void> {
  switch (write.what) {
    case 'resolver':
      return writeResolver(guest, write.text)
    case 'tunnel':
      return convergeGuestTunnel(guest, write.tunnel, write.secrets)
    case 'certificates':
      return convergeCertificates(guest, write.key, write.certificates, write.home)
  }
}

/** null = no such file. */
export async function readResolver(guest: string): Promise<string | null> {
  const listed = await runInGuest(guest, 'ls', ['/etc'])
  return listed.split('\n').includes('resolv.conf') ? runInGuest(guest, 'cat', [RESOLVER]) : null
}

/** In place, as the file may be a link that something else in the guest looks after. */
async function writeResolver(guest: string, text: string | null): Promise<void> {
  if (text === null) await changeInGuest(guest, 'rm', ['-f', RESOLVER])
  else await changeInGuest(guest, 'tee', [RESOLVER], text)
}
