/**
 * QEMU's machine monitor: commands of a fixed list go in with their arguments typed, answers come out checked. QEMU is ours,
 * what runs in it is not: an answer of another shape is an error, never a value. (QEMU QMP Reference Manual.)
 */
import { Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { type Answer, openTalk } from './talk.ts'

const nothing = Compile(Type.Object({}))
const COMMANDS = {
  qmp_capabilities: nothing,
  'query-status': Compile(Type.Object({ status: Type.String({ maxLength: 40 }), running: Type.Boolean() })),
  'query-uuid': Compile(Type.Object({ UUID: Type.String({ pattern: '^[0-9a-f-]{36}$' }) })),
  'query-chardev': Compile(
    Type.Array(Type.Object({ label: Type.String(), 'frontend-open': Type.Boolean() }), { maxItems: 64 }),
  ),
  'query-migrate': Compile(
    Type.Object({ status: Type.Optional(Type.String()), 'error-desc': Type.Optional(Type.String()) }),
  ),
  'query-balloon': Compile(Type.Object({ actual: Type.Number() })),
  'query-kvm': Compile(Type.Object({ enabled: Type.Boolean(), present: Type.Boolean() })),
  balloon: nothing,
  migrate: nothing,
  'migrate-set-parameters': nothing,
  migrate_cancel: nothing,
  set_link: nothing,
  stop: nothing,
  cont: nothing,
  system_powerdown: nothing,
  quit: nothing,
} as const

type Arguments = {
  readonly balloon: { readonly value: number }
  readonly migrate: { readonly uri: string }
  readonly 'migrate-set-parameters': { readonly 'max-bandwidth': number; readonly 'downtime-limit': number }
  readonly set_link: { readonly name: string; readonly up: boolean }
}
type Command = keyof typeof COMMANDS
type Returned<C extends Command> =
  (typeof COMMANDS)[C] extends Validator<infer _, infer __, infer ___, infer Value> ? Value : never
type Rest<C extends Command> = C extends keyof Arguments ? [Arguments[C]] : []

export type Qmp = {
  /** Throws with QEMU's own words when it refuses. */
  execute<C extends Command>(command: C, ...rest: Rest<C>): Promise<Returned<C>>
  close(): void
}

/** Told by QEMU unasked, such as `SHUTDOWN`. */
export type QmpEvent = { readonly event: string; readonly data: unknown }

const WITHIN_MS = 10_000

/** One client at a time: a second one waits until the first has closed, at most `withinMs`. */
export async function connectQmp(
  path: string,
  heard: (event: QmpEvent) => void = () => {},
  withinMs = WITHIN_MS,
): Promise<Qmp> {
  const onEvent = (said: Answer) => {
    if (typeof said.event === 'string') heard({ event: said.event, data: said.data })
  }
  const talk = await openTalk({ path, heard: onEvent, withinMs })
  let asked = 0
  const execute: Qmp['execute'] = async (command, ...rest) => {
    const id = ++asked
    const question = { execute: command, id, ...(rest.length === 0 ? {} : { arguments: rest[0] }) }
    const said = await talk.ask(question, (answer) => answer.id === id, withinMs)
    return returned(command, said)
  }
  try {
    await talk.hear('greeting', (said) => 'QMP' in said, withinMs)
    await execute('qmp_capabilities')
  } catch (error) {
    talk.close()
    throw new Error(`${path} is no machine monitor that answers: ${(error as Error).message}`)
  }
  return { execute, close: talk.close }
}

function returned<C extends Command>(command: C, said: Answer): Returned<C> {
  const error = said.error as { desc?: unknown } | undefined
  if (error !== undefined)
    throw new Error(`QEMU refused ${command}: ${String(error.desc ?? 'without a reason').slice(0, 300)}`)
  if (!COMMANDS[command].Check(said.return)) throw new Error(`QEMU answered ${command} in a shape that it never has`)
  return said.return as Returned<C>
}

/** Connects, acts, and leaves the monitor to the next. */
export async function withQmp<T>(path: string, act: (qmp: Qmp) => Promise<T>): Promise<T> {
  const qmp = await connectQmp(path)
  try {
    return await act(qmp)
  } finally {
    qmp.close()
  }
}
