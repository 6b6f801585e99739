/**
 * Frames of a shared link come in, a `Portrait` of each device on it goes out: what it sends, what it is sent, how long, in
 * which order and how fast, as counted words. A device is its hardware address; how many are kept is bounded, and who comes
 * later is not painted. Nothing is concluded here.
 */
import { countWord, createPortrait, type Portrait, type Room } from '../../model/portrait.ts'
import { createPacket } from '../pcap/packet.ts'
import type { Reader } from '../reader.ts'
import { type FrameKind, readFrameKind } from './frame-kind.ts'
import { namesIn, synName } from './names.ts'

export type Portraits = {
  /** `reader` stands on an Ethernet frame; `wireBytes` as it was on the wire. Told of a device before its frame is counted. */
  take(reader: Reader, timeMs: number, wireBytes: number): void
  readonly devices: ReadonlyMap<string, Portrait>
}

const MAX_DEVICES = 4_096
/** About 100 MB of words, if somebody makes them up. */
const MAX_ALL_WORDS = 500_000
/** Kinds whose order is kept from the first on. */
const FIRST_KINDS = 24

type Painted = { readonly portrait: Portrait; kinds: string[]; lastKind: string; lastOut: number }

export function createPortraits(
  before: (mac: string, portrait: Portrait, timeMs: number) => void = () => {},
): Portraits {
  const packet = createPacket()
  const painted = new Map<string, Painted>()
  const devices = new Map<string, Portrait>()
  const room: Room = { left: MAX_ALL_WORDS }
  const deviceOf = (mac: string, timeMs: number): Painted | undefined => {
    const known = painted.get(mac)
    if (known !== undefined || painted.size >= MAX_DEVICES) return known
    const made = { portrait: createPortrait(timeMs), kinds: [], lastKind: '', lastOut: 0 }
    painted.set(mac, made)
    devices.set(mac, made.portrait)
    return made
  }
  return {
    devices,
    take(reader, timeMs, wireBytes) {
      if (reader.left < 14) return
      const { bytes, at } = reader
      const [target, source] = [macAt(bytes, at), macAt(bytes, at + 6)]
      packet.timeMs = timeMs
      packet.capturedTo = reader.end
      packet.cutBytes = wireBytes - reader.left
      packet.reader.reset(bytes, at, reader.end)
      const found = readFrameKind(packet, wireBytes)
      const reach = bytes[at]! & 1 ? (target === 'ff:ff:ff:ff:ff:ff' ? 'all' : 'group') : 'one'
      const sender = bytes[at + 6]! & 1 ? undefined : deviceOf(source, timeMs)
      if (sender !== undefined) {
        before(source, sender.portrait, timeMs)
        paintSent(sender, found, reach, timeMs, room)
        tellNames(sender.portrait, found, packet, room)
      }
      const receiver = reach === 'one' ? deviceOf(target, timeMs) : undefined
      if (receiver !== undefined) {
        before(target, receiver.portrait, timeMs)
        seen(receiver.portrait, timeMs)
        const { behaviour } = receiver.portrait
        countWord(behaviour, `gets ${found.kind} ${found.role}`, room)
        if (found.payload !== null) countWord(behaviour, `gets ${found.kind} of ${found.bytes}`, room)
      }
    },
  }
}

function seen(portrait: Portrait, timeMs: number): void {
  portrait.last = timeMs
  portrait.packets++
}

function paintSent(device: Painted, found: FrameKind, reach: string, timeMs: number, room: Room): void {
  const { portrait } = device
  const say = (word: string) => countWord(portrait.behaviour, word, room)
  const { kind, role, bytes, payload, flags } = found
  seen(portrait, timeMs)
  const word = flags !== null && payload === null ? `${kind} ${flagName(flags)}` : kind
  say(`sends ${word} ${role} to ${reach}`)
  if (payload !== null || flags === null) say(`sends ${kind} of ${bytes}`)
  say(`size ${sizeBucket(bytes)}`)
  if (device.lastOut > 0) say(`pause ${pauseBucket(timeMs - device.lastOut)}`)
  device.lastOut = timeMs
  if (device.lastKind !== kind) {
    if (device.lastKind !== '') say(`${device.lastKind} then ${kind}`)
    device.lastKind = kind
  }
  if (device.kinds.length < FIRST_KINDS && !device.kinds.includes(kind)) {
    device.kinds.push(kind)
    say(`${kind} is new number ${device.kinds.length}`)
  }
}

const SYN = 0x02
const ACK = 0x10
function flagName(flags: number): string {
  if (flags & 0x04) return 'rst'
  if (flags & 0x01) return 'fin'
  return flags & SYN ? (flags & ACK ? 'syn ack' : 'syn') : 'ack'
}

/** Two to each doubling. */
const sizeBucket = (bytes: number) => Math.round(2 * Math.log2(Math.max(1, bytes)))
const pauseBucket = (ms: number) => Math.round(Math.log2(1 + Math.max(0, ms)))

type Sent = ReturnType<typeof createPacket>

function tellNames(portrait: Portrait, { kind, role, payload, flags }: FrameKind, packet: Sent, room: Room): void {
  const { bytes } = packet.reader
  if (flags !== null && (flags & (SYN | ACK)) === SYN && packet.capturedTo >= packet.transportAt + 20)
    countWord(portrait.hints, synName(bytes, packet.networkAt, packet.transportAt, packet.capturedTo), room)
  if (payload === null || (role === 'answers' && kind === 'dns')) return
  for (const name of namesIn(kind, bytes, payload.from, payload.to)) countWord(portrait.hints, name, room)
}

function macAt(bytes: Uint8Array, at: number): string {
  let text = ''
  for (let i = 0; i < 6; i++) text += (i === 0 ? '' : ':') + (bytes[at + i]! + 256).toString(16).slice(1)
  return text
}
