/**
 * The block format (draft-ietf-opsawg-pcapng): sections of either byte order, interfaces with a clock of their own, packets
 * (enhanced, simple, and the obsolete one). Blocks we do not know are stepped over by their length.
 */
import { DecodeError, Reader } from '../reader.ts'
import type { CaptureInput, ReadRecord } from './capture.ts'
import { MAX_RECORD } from './pcap-records.ts'

type Interface = {
  readonly linkType: number
  readonly ticksPerMs: number
  readonly offsetMs: number
  readonly snap: number
}

const SECTION = 0x0a0d0d0a
const SECTION_ORDER = 0x1a2b3c4d
const Block = { interface: 1, obsolete: 2, simple: 3, enhanced: 6 } as const
const KNOWN: ReadonlySet<number> = new Set([SECTION, ...Object.values(Block)])
/** A block has options beside its packet. */
const MAX_BLOCK = 1 << 20
const MAX_INTERFACES = 1_024

export function isPcapng(reader: Reader): boolean {
  return reader.view.getUint32(reader.at) === SECTION
}

export function pcapngBlocks({ reader, sink, placeOf, skip, fail }: CaptureInput): ReadRecord {
  const body = new Reader()
  let isLittle = true
  let interfaces: Interface[] = []
  let lastMs = 0

  const takePacket = (type: number) => {
    const head =
      type === Block.simple ? readSimple(body, interfaces, isLittle) : readPacket(body, type, interfaces, isLittle)
    lastMs = head.timeMs ?? lastMs
    body.end = body.at + head.captured
    sink.packet(body, lastMs, head.from.linkType, Math.max(0, head.wire - head.captured))
  }
  const takeBlock = (type: number) => {
    if (type === SECTION) interfaces = []
    else if (type !== Block.interface) takePacket(type)
    else if (interfaces.length >= MAX_INTERFACES) fail(`more than ${MAX_INTERFACES} interfaces`)
    else interfaces.push(readInterface(body, isLittle))
  }
  return () => {
    if (reader.left < 12) return 'more'
    const { view, at } = reader
    if (view.getUint32(at) === SECTION) {
      isLittle = view.getUint32(at + 8, true) === SECTION_ORDER
      if (!isLittle && view.getUint32(at + 8) !== SECTION_ORDER) fail('a section header of neither byte order')
    }
    const type = view.getUint32(at, isLittle)
    const length = view.getUint32(at + 4, isLittle)
    if (length < 12 || length % 4 !== 0) fail(`a block of ${length} bytes`)
    if (!KNOWN.has(type)) {
      skip(length)
      return 'done'
    }
    if (length > MAX_BLOCK) fail(`a block of ${length} bytes`)
    if (reader.left < length) return 'more'
    if (view.getUint32(at + length - 4, isLittle) !== length) fail('the two lengths of a block differ')
    body.reset(reader.bytes, at + 8, at + length - 4)
    reader.skip(length)
    try {
      takeBlock(type)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      sink.refused(error.message, placeOf(at))
    }
    return 'done'
  }
}

type PacketHead = {
  readonly from: Interface
  /** null = the block tells no time. */
  readonly timeMs: number | null
  readonly captured: number
  readonly wire: number
}

/** The first interface, no time; as much of it as its snapshot length let through. */
function readSimple(body: Reader, interfaces: readonly Interface[], isLittle: boolean): PacketHead {
  const wire = body.view.getUint32(body.need(4), isLittle)
  const from = interfaces[0] ?? body.fail('a packet before any interface')
  return { from, timeMs: null, captured: Math.min(wire, from.snap === 0 ? wire : from.snap, body.left), wire }
}

/** The obsolete block has a 16-bit interface and a drop count where the enhanced one has 32 bits. */
function readPacket(body: Reader, type: number, interfaces: readonly Interface[], isLittle: boolean): PacketHead {
  const { view } = body
  const at = body.need(20)
  const which = type === Block.obsolete ? view.getUint16(at, isLittle) : view.getUint32(at, isLittle)
  const from = interfaces[which] ?? body.fail(`a packet of interface ${which}, which is not described`)
  const ticks = view.getUint32(at + 4, isLittle) * 4_294_967_296 + view.getUint32(at + 8, isLittle)
  const captured = view.getUint32(at + 12, isLittle)
  if (captured > MAX_RECORD || captured > body.left) body.fail(`a packet of ${captured} bytes in a smaller block`)
  const timeMs = ticks / from.ticksPerMs + from.offsetMs
  return { from, timeMs, captured, wire: view.getUint32(at + 16, isLittle) }
}

/** if_tsresol (9): powers of ten, or of two with the top bit; if_tsoffset (14): seconds to add. */
function readInterface(body: Reader, isLittle: boolean): Interface {
  const { view } = body
  const at = body.need(8)
  let ticksPerMs = 1_000
  let offsetMs = 0
  while (body.left >= 4) {
    const option = body.need(4)
    const code = view.getUint16(option, isLittle)
    const length = view.getUint16(option + 2, isLittle)
    if (code === 0) break
    const value = body.need(length)
    if (code === 9 && length === 1) {
      const resolution = view.getUint8(value)
      const power = resolution & 0x7f
      ticksPerMs = (resolution & 0x80) === 0 ? 10 ** (power - 3) : 2 ** power / 1_000
    } else if (code === 14 && length === 8) {
      const high = view.getInt32(value + (isLittle ? 4 : 0), isLittle)
      const low = view.getUint32(value + (isLittle ? 0 : 4), isLittle)
      offsetMs = (high * 4_294_967_296 + low) * 1_000
    }
    body.skip(Math.min(body.left, (4 - (length % 4)) % 4))
  }
  return { linkType: view.getUint16(at, isLittle), ticksPerMs, offsetMs, snap: view.getUint32(at + 4, isLittle) }
}
