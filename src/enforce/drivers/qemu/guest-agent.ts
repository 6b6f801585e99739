/**
 * A program to run inside a guest comes in, its output goes out, by way of the agent that runs there (QEMU Guest Agent
 * Protocol Reference). For the rest of `enforce` a guest is one more place to be inside of. Depends on `node:` alone, so
 * that the supervisor can take a change back in a guest as well. What a guest answers is what the guest likes to answer.
 */
import { randomInt } from 'node:crypto'
import { effect } from '../../fault.ts'
import { NobodyAnswers, openDomainTalk } from '../libvirt/agent-talk.ts'
import { DOMAIN_DOOR } from '../libvirt/door.ts'
import { openTalk, type Talk } from './talk.ts'

/** The agent's socket of a machine of ours, or the door of a domain of libvirt; nothing else is ever talked to as a guest. */
export const GUEST_PATH = new RegExp(
  `^/run/guise/machines/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/agent\\.sock$|${DOMAIN_DOOR.source}`,
)

/** The agent's socket beside a machine's monitor, a domain's door; null where there is neither. */
export function guestOf(monitor: string | null): string | null {
  if (monitor !== null && DOMAIN_DOOR.test(monitor)) return monitor
  const path = monitor?.replace(/\/monitor\.sock$/, '/agent.sock')
  return path !== undefined && path !== monitor && GUEST_PATH.test(path) ? path : null
}

/** A guest that says nothing must not hold up what is done for the others: for so long it is not asked again. */
const SILENT_MS = 5_000
const silent = new Map<string, number>()

const ANSWER_MS = 5_000
const RUN_MS = 30_000
const LOOK_MS = 25
const OUTPUT_BYTES = 1 << 20
/** Programs that facets of a guest are made of. The list is here, because whoever holds a socket could ask for any. */
const PROGRAMS = new Set([
  'cat',
  'ip',
  'kill',
  'ls',
  'mkdir',
  'mv',
  'rm',
  'sha256sum',
  'ss',
  'sysctl',
  'tar',
  'tee',
  'wg',
])

/** Resolves with stdout. Throws with what was attempted, and the program's own words. */
export async function runInGuest(
  path: string,
  program: string,
  argv: readonly string[],
  input: string | Buffer = '',
): Promise<string> {
  if (!PROGRAMS.has(program)) throw new Error(`${program} is not among what is run in a guest`)
  if ((silent.get(path) ?? 0) > performance.now()) throw new Error(`the guest agent at ${path} did not answer lately`)
  return withAgent(path, async (talk) => {
    const started = await ask(talk, 'guest-exec', {
      path: program,
      arg: [...argv],
      'capture-output': true,
      ...(input.length === 0
        ? {}
        : { 'input-data': (typeof input === 'string' ? Buffer.from(input) : input).toString('base64') }),
    })
    const pid = numberOf(started.pid)
    for (const end = performance.now() + RUN_MS; ; ) {
      const status = await ask(talk, 'guest-exec-status', { pid })
      if (status.exited === true) return outputOf(`${program} ${argv.join(' ')}`, status)
      if (performance.now() > end) throw new Error(`${program} in the guest did not end within ${RUN_MS} ms`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  })
}

/** As `runInGuest`, of a program that changes something there. */
export function changeInGuest(
  path: string,
  program: string,
  argv: readonly string[],
  input: string | Buffer = '',
): Promise<string> {
  return effect(`guest ${program}`, () => runInGuest(path, program, argv, input))
}

/** True when an agent answers at once. */
export function guestAnswers(path: string, withinMs: number): Promise<boolean> {
  const ping = async (talk: Talk) => (await ask(talk, 'guest-ping', {}, withinMs)) !== null
  return withAgent(path, ping, withinMs).catch(() => false)
}

/** The guest ends by its own means; there is no answer to this question. */
export async function shutDownGuest(path: string): Promise<void> {
  const end = () => withAgent(path, (talk) => ask(talk, 'guest-shutdown', { mode: 'powerdown' }, 500))
  await effect('guest shutdown', end).catch(() => {})
}

async function withAgent<T>(path: string, act: (talk: Talk) => Promise<T>, withinMs = ANSWER_MS): Promise<T> {
  if (!GUEST_PATH.test(path)) throw new Error(`not the socket of a guest: ${JSON.stringify(path)}`)
  const talk = DOMAIN_DOOR.test(path) ? openDomainTalk(path) : await openTalk({ path, withinMs })
  try {
    // Somebody may have left before the answer to his question came: nothing is believed before our own number.
    const id = randomInt(2 ** 31)
    const question = { execute: 'guest-sync-delimited', arguments: { id } }
    silent.set(path, performance.now() + SILENT_MS)
    await talk.ask(question, (said) => said.return === id, withinMs)
    silent.delete(path)
    return await act(talk)
  } catch (error) {
    if (error instanceof NobodyAnswers) silent.set(path, performance.now() + SILENT_MS)
    throw new Error(`the guest agent at ${path} failed: ${(error as Error).message}`)
  } finally {
    talk.close()
  }
}

async function ask(talk: Talk, execute: string, args: object, withinMs = ANSWER_MS): Promise<Record<string, unknown>> {
  const said = await talk.ask(
    { execute, arguments: args },
    (answer) => 'return' in answer || 'error' in answer,
    withinMs,
  )
  const error = said.error as { desc?: unknown } | undefined
  if (error !== undefined) throw new Error(`${execute}: ${String(error?.desc).slice(0, 300)}`)
  return typeof said.return === 'object' && said.return !== null ? (said.return as Record<string, unknown>) : {}
}

function outputOf(what: string, status: Record<string, unknown>): string {
  if (status.exitcode !== 0)
    throw new Error(
      `${what.slice(0, 200)} in the guest ended with ${String(status.exitcode ?? status.signal)}: ${decoded(status['err-data']).trim().slice(0, 600)}`,
    )
  if (status['out-truncated'] === true) throw new Error(`${what.slice(0, 200)} in the guest said too much`)
  return decoded(status['out-data'])
}

function decoded(data: unknown): string {
  return typeof data === 'string' ? Buffer.from(data.slice(0, OUTPUT_BYTES * 2), 'base64').toString('utf8') : ''
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new Error('the guest agent named no process')
  return value
}
