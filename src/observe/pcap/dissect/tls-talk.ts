/** TLS from its first flight: the client's hello is kept until the server's tells what was agreed on, then told. */
import { plainText } from '../../../model/plain-text.ts'
import type { Reader } from '../../reader.ts'
import { highestVersion, ja3, ja3s, ja4, type Transport, versionName } from './fingerprint.ts'
import { type Desk, endsOf, type Speech, type Talk } from './talk.ts'
import { type ClientHello, readClientHello, readServerHello } from './tls-hello.ts'

/** Throws `DecodeError` when the hello lies about its lengths. */
export function takeClientHello(desk: Desk, speech: Speech, reader: Reader, transport: Transport): void {
  rememberHello(desk, speech, readClientHello(reader), transport)
  speech.talk.kind = 'tls'
}

export function rememberHello(desk: Desk, speech: Speech, hello: ClientHello, transport: Transport): void {
  const { conn, talk } = speech
  finishTls(desk, talk)
  conn.service = desk.services.intern(transport === 'tcp' ? 'ssl' : 'quic')
  talk.tls = {
    ...endsOf(desk, conn, speech.timeMs),
    kind: 'tls',
    serverName: plainText(hello.serverName.toLowerCase(), 255),
    version: versionName(highestVersion(hello)),
    ja3: ja3(hello),
    ja3s: '',
    ja4: ja4(hello, transport),
    protocol: plainText(hello.protocols[0] ?? '', 64),
  }
}

export function takeServerHello(desk: Desk, speech: Speech, reader: Reader): void {
  const { talk } = speech
  const hello = readServerHello(reader)
  if (talk.tls !== null) {
    talk.tls.version = versionName(hello.agreedVersion)
    talk.tls.ja3s = ja3s(hello)
    finishTls(desk, talk)
  } else speech.conn.service = desk.services.intern('ssl')
  talk.kind = 'done'
}

export function finishTls(desk: Desk, talk: Talk): void {
  if (talk.tls === null) return
  desk.emit(talk.tls)
  talk.tls = null
}
