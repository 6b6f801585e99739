/**
 * Capture files as they stream in, pcap (both byte orders, µs and ns) and pcapng (sections of either order, per-interface
 * clock resolution): chunks of bytes come in, one call per packet goes out. Formats: draft-ietf-opsawg-pcap,
 * draft-ietf-opsawg-pcapng. Every length is checked before it is believed; memory is one record plus one chunk.
 */
import { DecodeError, Reader } from '../reader.ts'

export type CaptureSink = {
  /** `reader` stands on the captured bytes of one packet. `cutBytes`: how many more were on the wire. */
  packet(reader: Reader, timeMs: number, linkType: number, cutBytes: number): void
  /** One record that is no packet or cannot be one; the records after it are read on. */
  refused(why: string, offset: number): void
}

export type Capture = {
  /** Throws `DecodeError` when nothing after this place can be trusted; `offset` counts from the start of the file. */
  push(chunk: Uint8Array): void
  /** At the end of the file: the rest that is no whole record, `null` when the file ended where it should. */
  end(): string | null
}

/** As libpcap's MAXIMUM_SNAPLEN; longer records only come from broken files. */
const MAX_RECORD = 262_144
/** A pcapng block has options beside its packet. */
const MAX_BLOCK = 1 << 20
const MAX_INTERFACES = 1_024
const MAGIC_MICRO = 0xa1b2c3d4
const MAGIC_NANO = 0xa1b23c4d
/** "Modified" pcap of old Linux patches: 8 more bytes a record. */
const MAGIC_MODIFIED = 0xa1b2cd34
const SECTION = 0x0a0d0d0a
const SECTION_ORDER = 0x1a2b3c4d

type Interface = {
  readonly linkType: number
  readonly ticksPerMs: number
  readonly offsetMs: number
  readonly snap: number
}
type Step = (reader: Reader) => 'more' | 'done'

export function createCapture(sink: CaptureSink): Capture {
  let rest: Uint8Array = new Uint8Array(0)
  let restFrom = 0
  let fileOffset = 0
  let skipBytes = 0
  let step: Step | null = null
  const reader = new Reader()
  const inner = new Reader()

  const here = () => fileOffset + reader.at - reader.start
  const fail = (why: string): never => {
    throw new DecodeError(why, here())
  }
  const begin = (): Step => {
    const at = reader.need(4)
    const big = reader.view.getUint32(at)
    const little = reader.view.getUint32(at, true)
    reader.at = at
    if (big === SECTION) return createBlocks()
    for (const [magic, isLittle] of [
      [big, false],
      [little, true],
    ] as const)
      if (magic === MAGIC_MICRO || magic === MAGIC_NANO || magic === MAGIC_MODIFIED)
        return createRecords(magic, isLittle)
    return fail('neither pcap nor pcapng: no such magic number')
  }

  function createRecords(magic: number, isLittle: boolean): Step {
    const ticksPerMs = magic === MAGIC_NANO ? 1e6 : 1e3
    const headerBytes = magic === MAGIC_MODIFIED ? 24 : 16
    let linkType = -1
    return () => {
      if (linkType < 0) {
        if (reader.left < 24) return 'more'
        const at = reader.need(24)
        // The upper bits tell of frame check sequences, not of the link.
        linkType = reader.view.getUint32(at + 20, isLittle) & 0x03ffffff
        return 'done'
      }
      if (reader.left < headerBytes) return 'more'
      const { view } = reader
      const at = reader.at
      const captured = view.getUint32(at + 8, isLittle)
      const wire = view.getUint32(at + 12, isLittle)
      if (captured > MAX_RECORD) fail(`a packet of ${captured} bytes`)
      if (reader.left < headerBytes + captured) return 'more'
      reader.skip(headerBytes + captured)
      inner.reset(reader.bytes, at + headerBytes, at + headerBytes + captured)
      const timeMs = view.getUint32(at, isLittle) * 1_000 + view.getUint32(at + 4, isLittle) / ticksPerMs
      sink.packet(inner, timeMs, linkType, wire > captured ? wire - captured : 0)
      return 'done'
    }
  }

  function createBlocks(): Step {
    let isLittle = true
    let interfaces: Interface[] = []
    let lastMs = 0
    return () => {
      if (reader.left < 12) return 'more'
      const { view } = reader
      const at = reader.at
      const isSection = view.getUint32(at) === SECTION
      if (isSection) {
        isLittle = view.getUint32(at + 8, true) === SECTION_ORDER
        if (!isLittle && view.getUint32(at + 8) !== SECTION_ORDER) fail('a section header of neither byte order')
      }
      const type = isSection ? SECTION : view.getUint32(at, isLittle)
      const length = view.getUint32(at + 4, isLittle)
      if (length < 12 || length % 4 !== 0) fail(`a block of ${length} bytes`)
      const isKnown = isSection || type === 1 || type === 2 || type === 3 || type === 6
      if (!isKnown) {
        skipBytes = length
        return 'done'
      }
      if (length > MAX_BLOCK) fail(`a block of ${length} bytes`)
      if (reader.left < length) return 'more'
      if (view.getUint32(at + length - 4, isLittle) !== length) fail('the two lengths of a block differ')
      inner.reset(reader.bytes, at + 8, at + length - 4)
      reader.skip(length)
      const before = at
      try {
        if (isSection) interfaces = []
        else if (type === 1) {
          if (interfaces.length >= MAX_INTERFACES) fail(`more than ${MAX_INTERFACES} interfaces`)
          interfaces.push(readInterface(inner, isLittle))
        } else lastMs = takePacket(type, lastMs)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        sink.refused(error.message, fileOffset + before - reader.start)
      }
      return 'done'
    }

    function takePacket(type: number, lastMs: number): number {
      const { view } = inner
      if (type === 3) {
        // Simple Packet Block: the first interface, no time; as much as its snapshot length let through.
        const wire = view.getUint32(inner.need(4), isLittle)
        const from = interfaces[0] ?? inner.fail('a packet before any interface')
        const captured = Math.min(wire, from.snap === 0 ? wire : from.snap, inner.left)
        inner.end = inner.at + captured
        sink.packet(inner, lastMs, from.linkType, Math.max(0, wire - captured))
        return lastMs
      }
      const at = inner.need(20)
      // The obsolete Packet Block (2) has a 16-bit interface and a drop count where the Enhanced one has 32 bits.
      const which = type === 2 ? view.getUint16(at, isLittle) : view.getUint32(at, isLittle)
      const from = interfaces[which] ?? inner.fail(`a packet of interface ${which}, which is not described`)
      const ticks = view.getUint32(at + 4, isLittle) * 4_294_967_296 + view.getUint32(at + 8, isLittle)
      const captured = view.getUint32(at + 12, isLittle)
      const wire = view.getUint32(at + 16, isLittle)
      if (captured > MAX_RECORD || captured > inner.left) inner.fail(`a packet of ${captured} bytes in a smaller block`)
      const timeMs = ticks / from.ticksPerMs + from.offsetMs
      inner.end = inner.at + captured
      sink.packet(inner, timeMs, from.linkType, wire > captured ? wire - captured : 0)
      return timeMs
    }
  }

  const run = () => {
    for (;;) {
      if (skipBytes > 0) {
        const step = Math.min(skipBytes, reader.left)
        reader.skip(step)
        skipBytes -= step
        if (skipBytes > 0) return
      }
      if (reader.left === 0) return
      if (step === null) {
        if (reader.left < 24) return
        step = begin()
      }
      if (step(reader) === 'more') return
    }
  }
  return {
    push(chunk) {
      const left = rest.length - restFrom
      let bytes = chunk
      if (left > 0) {
        bytes = new Uint8Array(left + chunk.length)
        bytes.set(rest.subarray(restFrom))
        bytes.set(chunk, left)
      }
      reader.reset(bytes)
      run()
      fileOffset += reader.at
      rest = bytes
      restFrom = reader.at
    },
    end() {
      const left = rest.length - restFrom
      if (step === null) return left === 0 ? 'an empty file' : 'shorter than the header of a capture'
      if (skipBytes > 0) return `ends ${skipBytes} bytes before its last block does`
      return left === 0 ? null : `ends inside a record: its last ${left} bytes are no whole one`
    },
  }
}

/** if_tsresol (9): powers of ten, or of two with the top bit; if_tsoffset (14): seconds to add. */
function readInterface(block: Reader, isLittle: boolean): Interface {
  const at = block.need(8)
  const linkType = block.view.getUint16(at, isLittle)
  const snap = block.view.getUint32(at + 4, isLittle)
  let ticksPerMs = 1_000
  let offsetMs = 0
  while (block.left >= 4) {
    const option = block.need(4)
    const code = block.view.getUint16(option, isLittle)
    const length = block.view.getUint16(option + 2, isLittle)
    if (code === 0) break
    const value = block.need(length)
    if (code === 9 && length === 1) {
      const resolution = block.view.getUint8(value)
      const power = resolution & 0x7f
      ticksPerMs = (resolution & 0x80) === 0 ? 10 ** (power - 3) : 2 ** power / 1_000
    } else if (code === 14 && length === 8) {
      const high = block.view.getInt32(value + (isLittle ? 4 : 0), isLittle)
      const low = block.view.getUint32(value + (isLittle ? 0 : 4), isLittle)
      offsetMs = (high * 4_294_967_296 + low) * 1_000
    }
    block.skip(Math.min(block.left, (4 - (length % 4)) % 4))
  }
  return { linkType, ticksPerMs, offsetMs, snap }
}
