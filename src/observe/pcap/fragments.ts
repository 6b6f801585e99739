/**
 * Datagrams put together from their fragments (RFC 791 §3.2, RFC 8200 §4.5). Bounded: so many datagrams at once, each at
 * most 64 kB, each for 30 s; the oldest goes first, and that is counted. Of overlapping parts the first to arrive stays.
 */

import type { NetworkFound } from './network.ts'
import type { Packet } from './packet.ts'

export type Fragment = {
  readonly id: number
  readonly offset: number
  readonly isLast: boolean
  /** Of the datagram it will become. */
  readonly headerBytes: number
  readonly proto: number
}

export type FragmentStore = {
  /** `transport` once the datagram is whole: the packet then stands on the put-together bytes. */
  take(packet: Packet, fragment: Fragment): NetworkFound
  /** Datagrams given up, for age or want of room. */
  readonly dropped: number
}

const MAX_DATAGRAMS = 256
const MAX_BYTES = 65_535
const MAX_PARTS = 256
const KEPT_MS = 30_000

type Datagram = {
  readonly parts: { readonly from: number; readonly to: number; readonly bytes: Uint8Array }[]
  readonly firstMs: number
  headerBytes: number
  /** −1 until the last fragment came. */
  size: number
}

export function createFragmentStore(): FragmentStore {
  const datagrams = new Map<string, Datagram>()
  let dropped = 0
  const drop = (key: string) => {
    datagrams.delete(key)
    dropped++
  }
  const expire = (nowMs: number) => {
    for (const [key, datagram] of datagrams) {
      if (datagrams.size < MAX_DATAGRAMS && nowMs - datagram.firstMs < KEPT_MS) return
      drop(key)
    }
  }
  return {
    get dropped() {
      return dropped
    },
    take(packet, fragment) {
      const key = `${packet.source.join()} ${packet.target.join()} ${fragment.proto} ${fragment.id}`
      expire(packet.timeMs)
      let datagram = datagrams.get(key)
      if (datagram === undefined) {
        datagram = { parts: [], firstMs: packet.timeMs, headerBytes: fragment.headerBytes, size: -1 }
        datagrams.set(key, datagram)
      }
      const from = fragment.offset
      const to = from + packet.transportBytes
      if (to > MAX_BYTES || datagram.parts.length >= MAX_PARTS) {
        drop(key)
        return 'fragment'
      }
      if (fragment.isLast) datagram.size = to
      if (from === 0) datagram.headerBytes = fragment.headerBytes
      const { bytes } = packet.reader
      datagram.parts.push({ from, to, bytes: bytes.slice(packet.transportAt, packet.transportAt + to - from) })
      const whole = datagram.size < 0 ? null : join(datagram.parts, datagram.size)
      if (whole === null) return 'fragment'
      datagrams.delete(key)
      packet.reader.reset(whole)
      packet.capturedTo = whole.length
      packet.cutBytes = 0
      packet.transportAt = 0
      packet.transportBytes = whole.length
      packet.transportCaptured = whole.length
      packet.datagramBytes = datagram.headerBytes + whole.length
      return 'transport'
    },
  }
}

function join(parts: Datagram['parts'], size: number): Uint8Array | null {
  const sorted = parts.toSorted((a, b) => a.from - b.from)
  let reached = 0
  for (const part of sorted) {
    if (part.from > reached) return null
    reached = Math.max(reached, part.to)
  }
  if (reached < size) return null
  const whole = new Uint8Array(size)
  for (const part of parts.toReversed()) {
    if (part.from < size) whole.set(part.bytes.subarray(0, size - part.from), part.from)
  }
  return whole
}
