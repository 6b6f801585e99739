/** A domain's guest agent by way of libvirt, as `talk.ts` reaches one by its socket. `node:` only. */
import type { Talk } from '../qemu/talk.ts'
import { behindDoor } from './door.ts'
import { askLibvirt } from './virsh.ts'

/** Beyond what the guest may take: for virsh itself. */
const OWN_MS = 5_000

/** Throws when it does not run. */
export function openDomainTalk(door: string): Talk {
  const { uuid, uri } = behindDoor(door)
  return {
    hear: () => Promise.reject(new Error('libvirt tells what an agent answers, and nothing else')),
    async ask(question, answers, withinMs) {
      const command = JSON.stringify(question, withoutDelimiter)
      const argv = ['qemu-agent-command', '--timeout', `${Math.ceil(withinMs / 1_000)}`, uuid, command]
      const said: unknown = JSON.parse(await askLibvirt(uri, argv, withinMs + OWN_MS))
      if (typeof said !== 'object' || said === null || !answers(said as Record<string, unknown>))
        throw new Error('the answer was to another question')
      return said as Record<string, unknown>
    },
    close: () => {},
  }
}

/** libvirt puts its own delimiter before every question, and takes one in an answer for a fault of the agent. */
function withoutDelimiter(key: string, value: unknown): unknown {
  return key === 'execute' && value === 'guest-sync-delimited' ? 'guest-sync' : value
}
