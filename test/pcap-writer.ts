/**
 * Captures made by hand for tests: frames with right lengths and checksums, in pcap or pcapng, either byte order. What a
 * test wants broken it breaks afterwards.
 */
export type Ends = { readonly from: string; readonly to: string; readonly fromPort?: number; readonly toPort?: number }
export type TcpPart = Ends & {
  readonly flags: string
  readonly seq: number
  readonly ack?: number
  readonly data?: string | Uint8Array
}
export type Frame = { readonly atMs: number; readonly bytes: Uint8Array; readonly wireBytes?: number }

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16 }

export function tcp(part: TcpPart): Uint8Array {
  const data = toBytes(part.data)
  const bytes = new Uint8Array(20 + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, part.fromPort ?? 40_000)
  view.setUint16(2, part.toPort ?? 80)
  view.setUint32(4, part.seq >>> 0)
  view.setUint32(8, (part.ack ?? 0) >>> 0)
  view.setUint8(12, 5 << 4)
  view.setUint8(
    13,
    [...part.flags].reduce((sum, flag) => sum | FLAGS[flag]!, 0),
  )
  view.setUint16(14, 65_535)
  bytes.set(data, 20)
  view.setUint16(16, checksum(pseudo(part, 6, bytes)))
  return ip(part, 6, bytes)
}

export function udp(ends: Ends, data: string | Uint8Array): Uint8Array {
  return ip(ends, 17, udpDatagram(ends, data))
}

export function udpDatagram(ends: Ends, data: string | Uint8Array): Uint8Array {
  const payload = toBytes(data)
  const bytes = new Uint8Array(8 + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, ends.fromPort ?? 40_000)
  view.setUint16(2, ends.toPort ?? 53)
  view.setUint16(4, bytes.length)
  bytes.set(payload, 8)
  view.setUint16(6, checksum(pseudo(ends, 17, bytes)) || 0xffff)
  return bytes
}

export function icmp(ends: Ends, type: number, code: number, data: string | Uint8Array): Uint8Array {
  const payload = toBytes(data)
  const bytes = new Uint8Array(8 + payload.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = type
  bytes[1] = code
  bytes.set(payload, 8)
  const isV6 = ends.from.includes(':')
  view.setUint16(2, checksum(isV6 ? pseudo(ends, 58, bytes) : bytes))
  return ip(ends, isV6 ? 58 : 1, bytes)
}

/** IPv4 or IPv6, by the look of the addresses. */
export function ip(ends: Ends, proto: number, payload: Uint8Array, options: Fragmenting = {}): Uint8Array {
  return ends.from.includes(':') ? v6(ends, proto, payload, options) : v4(ends, proto, payload, options)
}

export type Fragmenting = { readonly id?: number; readonly offset?: number; readonly more?: 'more' | 'last' }

function v4(ends: Ends, proto: number, payload: Uint8Array, { id, offset = 0, more }: Fragmenting): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x45
  view.setUint16(2, bytes.length)
  view.setUint16(4, id ?? 0)
  view.setUint16(6, (more === 'more' ? 0x2000 : 0) | (offset / 8))
  bytes[8] = 64
  bytes[9] = proto
  bytes.set(address(ends.from), 12)
  bytes.set(address(ends.to), 16)
  view.setUint16(10, checksum(bytes.subarray(0, 20)))
  bytes.set(payload, 20)
  return bytes
}

function v6(ends: Ends, proto: number, payload: Uint8Array, { id, offset = 0, more }: Fragmenting): Uint8Array {
  const extension = id === undefined ? 0 : 8
  const bytes = new Uint8Array(40 + extension + payload.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x60
  view.setUint16(4, extension + payload.length)
  bytes[6] = id === undefined ? proto : 44
  bytes[7] = 64
  bytes.set(address(ends.from), 8)
  bytes.set(address(ends.to), 24)
  if (id !== undefined) {
    bytes[40] = proto
    view.setUint16(42, offset | (more === 'more' ? 1 : 0))
    view.setUint32(44, id)
  }
  bytes.set(payload, 40 + extension)
  return bytes
}

export function ethernet(payload: Uint8Array, tags: readonly number[] = []): Uint8Array {
  const type = payload[0]! >> 4 === 6 ? 0x86dd : 0x0800
  const bytes = new Uint8Array(14 + tags.length * 4 + payload.length)
  const view = new DataView(bytes.buffer)
  bytes.fill(2, 0, 12)
  let at = 12
  for (const tag of tags) {
    view.setUint16(at, 0x8100)
    view.setUint16(at + 2, tag)
    at += 4
  }
  view.setUint16(at, type)
  bytes.set(payload, at + 2)
  return bytes
}

export type FileOptions = {
  readonly order?: 'little' | 'big'
  readonly clock?: 'micro' | 'nano'
  readonly linkType?: number
}

export function pcapFile(
  frames: readonly Frame[],
  { order = 'little', clock = 'micro', linkType = 1 }: FileOptions = {},
): Uint8Array {
  const isLittle = order === 'little'
  const head = new Uint8Array(24)
  const view = new DataView(head.buffer)
  view.setUint32(0, clock === 'nano' ? 0xa1b23c4d : 0xa1b2c3d4, isLittle)
  view.setUint16(4, 2, isLittle)
  view.setUint16(6, 4, isLittle)
  view.setUint32(16, 262_144, isLittle)
  view.setUint32(20, linkType, isLittle)
  const records = frames.map(({ atMs, bytes, wireBytes }) => {
    const record = new Uint8Array(16 + bytes.length)
    const fields = new DataView(record.buffer)
    const perSecond = clock === 'nano' ? 1e9 : 1e6
    fields.setUint32(0, Math.floor(atMs / 1_000), isLittle)
    fields.setUint32(4, Math.round((atMs % 1_000) * (perSecond / 1_000)), isLittle)
    fields.setUint32(8, bytes.length, isLittle)
    fields.setUint32(12, wireBytes ?? bytes.length, isLittle)
    record.set(bytes, 16)
    return record
  })
  return concat([head, ...records])
}

/** One section with one interface of µs, and an unknown block between packets, which readers step over. */
export function pcapngFile(frames: readonly Frame[], { order = 'little', linkType = 1 }: FileOptions = {}): Uint8Array {
  const isLittle = order === 'little'
  const section = words([0x1a2b3c4d, 0x00010000, 0xffffffff, 0xffffffff], isLittle)
  if (!isLittle) new DataView(section.buffer).setUint32(4, 0x00010000)
  const face = new Uint8Array(8)
  new DataView(face.buffer).setUint16(0, linkType, isLittle)
  const packets = frames.flatMap(({ atMs, bytes, wireBytes }) => {
    const ticks = Math.round(atMs * 1_000)
    const head = words(
      [0, Math.floor(ticks / 2 ** 32), ticks % 2 ** 32, bytes.length, wireBytes ?? bytes.length],
      isLittle,
    )
    return [block(0x0bad, words([1, 2], isLittle), isLittle), block(6, concat([head, bytes]), isLittle)]
  })
  return concat([block(0x0a0d0d0a, section, isLittle), block(1, face, isLittle), ...packets])
}

function block(type: number, body: Uint8Array, isLittle: boolean): Uint8Array {
  const padded = Math.ceil(body.length / 4) * 4
  const bytes = new Uint8Array(12 + padded)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, type, isLittle)
  view.setUint32(4, bytes.length, isLittle)
  bytes.set(body, 8)
  view.setUint32(8 + padded, bytes.length, isLittle)
  return bytes
}

function words(values: readonly number[], isLittle: boolean): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setUint32(i * 4, value, isLittle)
  return bytes
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function toBytes(data: string | Uint8Array | undefined): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : (data ?? new Uint8Array(0))
}

/** Dotted IPv4, or IPv6 written out or with one `::`. */
function address(text: string): Uint8Array {
  if (!text.includes(':')) return Uint8Array.from(text.split('.'), Number)
  const [left = '', right] = text.split('::')
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const head = parse(left)
  const tail = right === undefined ? [] : parse(right)
  const groups = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]))
}

function pseudo(ends: Ends, proto: number, payload: Uint8Array): Uint8Array {
  const tail = new Uint8Array(8)
  const view = new DataView(tail.buffer)
  view.setUint32(0, payload.length)
  view.setUint32(4, proto)
  return concat([address(ends.from), address(ends.to), tail, payload])
}

function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i++) sum += i % 2 === 0 ? bytes[i]! << 8 : bytes[i]!
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff)
  return ~sum & 0xffff
}
