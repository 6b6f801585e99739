/** The classic format (draft-ietf-opsawg-pcap): a header that tells byte order and clock, then packets one by one. */
import { Reader } from '../reader.ts'
import type { CaptureInput, ReadRecord } from './capture.ts'

/** As libpcap's MAXIMUM_SNAPLEN; longer records only come from broken files. */
export const MAX_RECORD = 262_144

const MICRO = 0xa1b2c3d4
const NANO = 0xa1b23c4d
/** "Modified" pcap of old Linux patches: 8 more bytes a record. */
const MODIFIED = 0xa1b2cd34
const HEADER_BYTES = 24

function magicOf(reader: Reader): { readonly magic: number; readonly isLittle: boolean } | null {
  for (const isLittle of [false, true]) {
    const magic = reader.view.getUint32(reader.at, isLittle)
    if (magic === MICRO || magic === NANO || magic === MODIFIED) return { magic, isLittle }
  }
  return null
}

export function isPcap(reader: Reader): boolean {
  return magicOf(reader) !== null
}

/** The reader stands on the whole header of the file. */
export function pcapRecords({ reader, sink, fail }: CaptureInput): ReadRecord {
  const { magic, isLittle } = magicOf(reader)!
  const ticksPerMs = magic === NANO ? 1e6 : 1e3
  const headBytes = magic === MODIFIED ? 24 : 16
  // The upper bits tell of frame check sequences, not of the link.
  const linkType = reader.view.getUint32(reader.need(HEADER_BYTES) + 20, isLittle) & 0x03ffffff
  const packet = new Reader()
  return () => {
    if (reader.left < headBytes) return 'more'
    const { view, at } = reader
    const captured = view.getUint32(at + 8, isLittle)
    const wire = view.getUint32(at + 12, isLittle)
    if (captured > MAX_RECORD) fail(`a packet of ${captured} bytes`)
    if (reader.left < headBytes + captured) return 'more'
    reader.skip(headBytes + captured)
    packet.reset(reader.bytes, at + headBytes, at + headBytes + captured)
    const timeMs = view.getUint32(at, isLittle) * 1_000 + view.getUint32(at + 4, isLittle) / ticksPerMs
    sink.packet(packet, timeMs, linkType, wire > captured ? wire - captured : 0)
    return 'done'
  }
}
