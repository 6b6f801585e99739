/** What is written in a guest, each kind whole and idempotent, for those who converge and for the supervisor. `node:` and the agent alone. */
import { runInGuest } from './guest-agent.ts'

export type GuestStep = {
  readonly run: 'guest'
  /** Socket of its agent. */
  readonly guest: string
  readonly write: { readonly what: 'resolver'; readonly text: string | null }
  readonly lenient?: true
}

const RESOLVER = '/etc/resolv.conf'

export async function runGuestStep({ guest, write }: GuestStep): Promise<void> {
  switch (write.what) {
    case 'resolver':
      return writeResolver(guest, write.text)
  }
}

/** null = no such file. */
export async function readResolver(guest: string): Promise<string | null> {
  const listed = await runInGuest(guest, 'ls', ['/etc'])
  return listed.split('\n').includes('resolv.conf') ? runInGuest(guest, 'cat', [RESOLVER]) : null
}

/** In place, as the file may be a link that something else in the guest looks after. */
async function writeResolver(guest: string, text: string | null): Promise<void> {
  if (text === null) await runInGuest(guest, 'rm', ['-f', RESOLVER])
  else await runInGuest(guest, 'tee', [RESOLVER], text)
}
