/** A domain's guest agent by way of libvirt, as `talk.ts` reaches one by its socket. `node:` only. */
import type { Answer, Talk } from '../qemu/talk.ts'
import { behindDoor } from './door.ts'
import { askLibvirt } from './virsh.ts'

/** Beyond what the guest may take: for virsh itself. */
const OWN_MS = 5_000

/** libvirt waited for the agent, or knows that there is none: as opposed to an agent that refused a command. */
export class NobodyAnswers extends Error {}

/** Throws when it does not run. */
export function openDomainTalk(door: string): Talk {
  const { uuid, uri } = behindDoor(door)
  return {
    hear: () => Promise.reject(new Error('libvirt tells what an agent answers, and nothing else')),
    async ask(question, answers, withinMs) {
      const said = synchronised(question) ?? (await askAgent(uri, uuid, question, withinMs))
      if (!answers(said)) throw new Error('the answer was to another question')
      return said
    },
    close: () => {},
  }
}

/** libvirt finds the beginning of every answer by itself, so that this needs no question of ours (qemu_agent.c, qemuAgentGuestSync). */
function synchronised(question: object): Answer | null {
  const { execute, arguments: args } = question as { execute?: string; arguments?: { id?: number } }
  return execute === 'guest-sync-delimited' ? { return: args?.id } : null
}

async function askAgent(uri: string, uuid: string, question: object, withinMs: number): Promise<Answer> {
  const argv = ['qemu-agent-command', '--timeout', `${Math.ceil(withinMs / 1_000)}`, uuid, JSON.stringify(question)]
  const text = await askLibvirt(uri, argv, withinMs + OWN_MS).catch((error: Error) => {
    throw error.message.includes('unable to execute QEMU agent command') ? error : new NobodyAnswers(error.message)
  })
  const said: unknown = JSON.parse(text)
  if (typeof said !== 'object' || said === null || Array.isArray(said)) throw new Error('libvirt told no answer')
  return said as Answer
}
