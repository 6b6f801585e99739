/**
 * Bytes of a QEMU socket come in, JSON objects go out: QMP and the guest agent both speak one object a line. What is on
 * the other end may be a guest that means harm, so a line, and what of it is kept, is bounded.
 */

/** Above what `guest-exec-status` answers for the longest output that is asked for (see guest-agent.ts). */
const LINE_BYTES = 4 << 20

export class BadLine extends Error {}

export type LineReader = {
  /** Objects that are complete now. Throws `BadLine`; the connection is of no use after that. */
  push(chunk: Uint8Array): Record<string, unknown>[]
}

export function createLineReader(maxBytes = LINE_BYTES): LineReader {
  let held: Uint8Array[] = []
  let heldBytes = 0
  return {
    push(chunk) {
      const objects: Record<string, unknown>[] = []
      let from = 0
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        held.push(chunk.subarray(from, at))
        if (heldBytes + at - from > maxBytes) throw new BadLine(`a line of more than ${maxBytes} bytes`)
        const line = Buffer.concat(held)
        held = []
        heldBytes = 0
        from = at + 1
        if (line.some((byte) => byte > 32)) objects.push(objectOf(line))
      }
      heldBytes += chunk.length - from
      if (heldBytes > maxBytes) throw new BadLine(`a line of more than ${maxBytes} bytes`)
      if (from < chunk.length) held.push(Uint8Array.from(chunk.subarray(from)))
      return objects
    },
  }
}

/** 0xFF stands before the answer to `guest-sync-delimited` (QEMU Guest Agent Protocol Reference): what is before it is of nobody. */
function objectOf(line: Buffer): Record<string, unknown> {
  const text = line.subarray(line.lastIndexOf(0xff) + 1).toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new BadLine(`no JSON: ${JSON.stringify(text.slice(0, 60))}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadLine(`no JSON object: ${JSON.stringify(text.slice(0, 60))}`)
  return value as Record<string, unknown>
}
