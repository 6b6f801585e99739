/**
 * One line of the server becomes a message, or the reason why it is none. The schemas are closed, and a message has one
 * text only, the one that JSON.stringify writes: a name given twice, `1.0` for `1`, or an escape where none is needed could
 * be read by others as something else, so they are no message.
 */
import { Compile } from 'typebox/compile'
import { plainText } from '../model/plain-text.ts'
import { ServerMessage } from '../model/wire.ts'

export type Unread = { readonly reason: string; readonly pointer: string }

const isMessage = Compile(ServerMessage)
const KINDS = new Map<unknown, number>(ServerMessage.anyOf.map((one, i) => [one.properties.type.const, i]))
const byKind = ServerMessage.anyOf.map((schema) => Compile(schema))

export function readMessage(line: string): { readonly message: ServerMessage } | { readonly unread: Unread } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return unread(`it is no JSON: ${(error as Error).message}`)
  }
  if (!isMessage.Check(value)) return unreadBecause(value)
  if (JSON.stringify(value) !== line)
    return unread('it is not written as JSON.stringify writes it; a name given twice, or another spelling of a value')
  return { message: value }
}

function unreadBecause(value: unknown): { readonly unread: Unread } {
  const type = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined
  const kind = KINDS.get(type)
  if (kind === undefined)
    return unread(`it is of no kind that is known: ${JSON.stringify(type)?.slice(0, 60) ?? 'none'}`)
  const [fault] = byKind[kind]!.Errors(value)
  // `schema is false` is how a closed schema says it.
  const wrong =
    fault === undefined || fault.message === 'schema is false' ? 'nothing like that may stand there' : fault.message
  return unread(`it does not match its schema: ${wrong}`, fault?.instancePath ?? '')
}

function unread(reason: string, pointer = ''): { readonly unread: Unread } {
  // Both may quote what came, which is not for a terminal.
  return { unread: { reason: plainText(reason, 300), pointer: plainText(pointer, 300) } }
}

/** What to do with lines as they come: a message is heard, everything else is told, counted and refused. */
export function hearLines(
  heard: (message: ServerMessage) => void,
  say: (line: string) => void,
  refused: (unread: Unread) => void,
  count: () => void,
) {
  const line = (text: string) => {
    const read = readMessage(text)
    if ('message' in read) return heard(read.message)
    count()
    say(
      `a message of the server (${text.length} bytes) is refused: ${read.unread.reason} ${read.unread.pointer}`.trim(),
    )
    refused(read.unread)
  }
  return { line, refused, say }
}
