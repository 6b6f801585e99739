/** DNS over UDP or TCP: questions wait for their answers by id; what nobody answered is told at the end. */
import type { Reader } from '../../reader.ts'
import { readDns } from './dns.ts'
import { type Desk, endsOf, type Speech, type Talk } from './talk.ts'

const MAX_WAITING = 64

/** One message. Throws `DecodeError` when it is none. */
export function takeDns(desk: Desk, speech: Speech, reader: Reader): void {
  const { conn, talk } = speech
  const message = readDns(reader)
  if (message === null) return
  conn.service = desk.services.intern('dns')
  talk.kind = 'dns'
  const { id, query, type, code } = message
  if (!message.isAnswer) {
    if (message.questions === 0) return
    talk.queries ??= new Map()
    const again = talk.queries.get(id)
    if (again?.query === query && again.type === type) return
    if (again !== undefined) desk.emit(again)
    else if (talk.queries.size >= MAX_WAITING) finishDns(desk, talk)
    const ends = endsOf(desk, conn, speech.timeMs)
    talk.queries.set(id, { ...ends, kind: 'dns', query, type, code: -1, answers: [], answeredMs: -1 })
    return
  }
  const asked = talk.queries?.get(id)
  if (asked !== undefined && (message.questions === 0 || (asked.query === query && asked.type === type))) {
    talk.queries!.delete(id)
    asked.code = code
    asked.answers = message.answers
    asked.answeredMs = Math.max(0, speech.timeMs - asked.at)
    desk.emit(asked)
  } else if (message.questions > 0) {
    const ends = endsOf(desk, conn, speech.timeMs)
    desk.emit({ ...ends, kind: 'dns', query, type, code, answers: message.answers, answeredMs: -1 })
  }
}

export function finishDns(desk: Desk, talk: Talk): void {
  if (talk.queries === null) return
  for (const hint of talk.queries.values()) desk.emit(hint)
  talk.queries.clear()
}
