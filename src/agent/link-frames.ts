/**
 * What the two halves of the link say to each other over a socket pair: frames of a kind, a number (which request it is
 * about) and bytes. The reader of either side is given bytes in any pieces, and answers false to what no frame may be.
 */
export const FRAME_KINDS = ['ask', 'stop', 'answer', 'failed', 'line', 'refused', 'said', 'counted', 'ended'] as const
export type FrameKind = (typeof FRAME_KINDS)[number]
export type Frame = { readonly kind: FrameKind; readonly id: number; readonly body: Buffer }

const HEAD = 9
/** A message of the server at its longest, and a little. */
const MAX_BODY = (256 << 20) + 4_096

export function encodeFrame({ kind, id, body }: Frame): Buffer {
  const head = Buffer.alloc(HEAD)
  head.writeUInt8(FRAME_KINDS.indexOf(kind), 0)
  head.writeUInt32BE(id, 1)
  head.writeUInt32BE(body.length, 5)
  return Buffer.concat([head, body])
}

/** False: what comes is no frame, and nothing after it can be one. */
export function createFrameReader(take: (frame: Frame) => void): (chunk: Buffer) => boolean {
  let parts: Buffer[] = []
  let held = 0
  let wanted = HEAD
  return (chunk) => {
    parts.push(chunk)
    held += chunk.length
    while (held >= wanted) {
      const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
      const kind = FRAME_KINDS[bytes.readUInt8(0)]
      const length = bytes.readUInt32BE(5)
      if (kind === undefined || length > MAX_BODY) return false
      parts = [bytes]
      wanted = HEAD + length
      if (held < wanted) return true
      const frame = { kind, id: bytes.readUInt32BE(1), body: bytes.subarray(HEAD, wanted) }
      parts = held === wanted ? [] : [bytes.subarray(wanted)]
      held -= wanted
      wanted = HEAD
      take(frame)
    }
    return true
  }
}

/** A question: one line of JSON, then bytes as they are. */
export function splitAsk(body: Buffer): { readonly head: unknown; readonly rest: string } {
  const end = body.indexOf(10)
  return { head: JSON.parse(body.toString('utf8', 0, end)), rest: body.toString('utf8', end + 1) }
}

export function joinAsk(head: object, rest = ''): Buffer {
  return Buffer.from(`${JSON.stringify(head)}\n${rest}`)
}
