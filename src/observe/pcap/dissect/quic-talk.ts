/** QUIC: the client's hello out of its first datagrams, which may come in any order and share it between them. */
import { Reader } from '../../reader.ts'
import { addToHead, createHead, releaseHead } from './head.ts'
import { clientKeys, openInitial, readCrypto, readInitial } from './quic.ts'
import type { Desk, Speech } from './talk.ts'
import { HelloType, MAX_HELLO, readClientHello } from './tls-hello.ts'
import { finishTls, rememberHello } from './tls-talk.ts'

/** Packets tried in one conversation: a hello takes two or three. */
const MAX_PACKETS = 12
const MAX_COALESCED = 4

/** Throws `DecodeError` on what is cut short. */
export function takeQuic(desk: Desk, speech: Speech, reader: Reader): void {
  const { talk } = speech
  if (!speech.fromClient) return
  reader.reset(speech.bytes, speech.from, speech.to)
  for (let i = 0; i < MAX_COALESCED && reader.left > 0; i++) {
    const initial = readInitial(reader)
    if (initial === null) {
      // The first datagram of a client is an Initial; later ones need not be.
      if (talk.quic === null) talk.kind = 'done'
      return
    }
    talk.kind = 'quic'
    talk.quic ??= { keys: clientKeys(initial), packets: 0 }
    if (++talk.quic.packets > MAX_PACKETS) {
      talk.kind = 'done'
      return
    }
    let frames = openInitial(speech.bytes, initial, talk.quic.keys)
    if (frames === null) {
      // A server that sends Retry makes the client begin again with another connection id.
      const keys = clientKeys(initial)
      frames = openInitial(speech.bytes, initial, keys)
      if (frames !== null) talk.quic.keys = keys
    }
    if (frames !== null && takeFrames(desk, speech, frames)) return
  }
}

/** True when the hello was whole. */
function takeFrames(desk: Desk, speech: Speech, frames: Uint8Array): boolean {
  const { talk } = speech
  // Chrome shuffles its hello into many small frames.
  const parts = readCrypto(new Reader().reset(frames)).sort((a, b) => a.offset - b.offset)
  for (const { offset, bytes } of parts) {
    talk.client ??= createHead(0, desk.budget)
    const head = talk.client
    if (head === null || !addToHead(head, bytes, 0, bytes.length, offset, desk.budget)) {
      talk.kind = 'done'
      return true
    }
  }
  const head = talk.client
  if (head === null || head.have < 4) return false
  if (head.bytes[0] !== HelloType.client) {
    talk.kind = 'done'
    return true
  }
  const length = head.bytes[1]! * 65_536 + head.bytes[2]! * 256 + head.bytes[3]!
  if (length > MAX_HELLO) talk.kind = 'done'
  if (head.have < length + 4) return length > MAX_HELLO
  const hello = readClientHello(new Reader().reset(head.bytes, 4, 4 + length))
  rememberHello(desk, speech, hello, 'quic')
  finishTls(desk, talk)
  releaseHead(head, desk.budget)
  talk.client = null
  talk.kind = 'done'
  return true
}
