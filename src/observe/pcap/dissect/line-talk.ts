/** Log-ins in clear text and SSH's banners. */
import type { LoginHint } from '../../../model/hint.ts'
import { plainText } from '../../../model/plain-text.ts'
import { INTERACTIVE_MS } from '../keeper.ts'
import { greet, takeLine } from './lines.ts'
import { type Desk, endsOf, type Speech } from './talk.ts'

const MAX_SEGMENT = 1_024

function linesOf(speech: Speech): string[] {
  const { bytes, from } = speech
  const to = Math.min(speech.to, from + MAX_SEGMENT)
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
    .toString('latin1')
    .split(/\r?\n/, 32)
}

/** The server's first words. True when they are those of a line protocol. */
export function takeGreeting(desk: Desk, speech: Speech): boolean {
  const [first] = linesOf(speech)
  const lines = greet(first ?? '', speech.conn.serverPort)
  if (lines === null) return false
  speech.talk.kind = 'lines'
  speech.talk.lines = lines
  nameService(desk, speech)
  return true
}

export function takeLines(desk: Desk, speech: Speech): void {
  const { lines } = speech.talk
  if (lines === null) return
  for (const line of linesOf(speech)) {
    const outcome = takeLine(lines, speech.fromClient, line)
    if (outcome !== null) desk.emit(login(desk, speech, serviceOf(lines.protocol), outcome, ''))
  }
  nameService(desk, speech)
  if (lines.linesLeft <= 0) speech.talk.kind = 'done'
}

function nameService(desk: Desk, speech: Speech): void {
  const { lines } = speech.talk
  if (lines === null || lines.protocol === 'undecided') return
  speech.conn.service = desk.services.intern(lines.protocol)
  if (lines.protocol === 'ftp') speech.conn.idleMs = INTERACTIVE_MS
}

function serviceOf(protocol: string): LoginHint['service'] {
  return protocol === 'ftp' || protocol === 'smtp' ? protocol : 'other'
}

function login(
  desk: Desk,
  speech: Speech,
  service: LoginHint['service'],
  outcome: LoginHint['outcome'],
  client: string,
): LoginHint {
  return { ...endsOf(desk, speech.conn, speech.timeMs), kind: 'login', service, outcome, client }
}

/** Behind the banners everything is encrypted: that somebody came to log in is known, not what became of it. */
export function takeSsh(desk: Desk, speech: Speech): void {
  const { talk } = speech
  talk.kind = 'ssh'
  speech.conn.service = desk.services.intern('ssh')
  speech.conn.idleMs = INTERACTIVE_MS
  if (!speech.fromClient) return
  const banner = linesOf(speech).find((line) => line.startsWith('SSH-'))
  if (banner === undefined) return
  talk.kind = 'done'
  talk.banner = plainText(banner, 100)
  desk.emit(login(desk, speech, 'ssh', 'unknown', talk.banner))
}
