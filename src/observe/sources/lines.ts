/** Lines of a byte stream without a string per line, and without trusting that there are any. */

/** Longer is no log line: a Zeek conn row has some 200 bytes, a JSON one some 600. */
export const MAX_LINE_BYTES = 1 << 16

export type Lines = {
  /** Calls `line(bytes, from, to, number, offset)` for each whole line in what has come so far; `\r` before `\n` is not part of it. */
  push(chunk: Buffer, line: LineVisitor, tooLong: (number: number, offset: number) => void): void
  /** The last line, if it had no newline: cut off, or simply the end. */
  end(line: LineVisitor): void
}
export type LineVisitor = (bytes: Buffer, from: number, to: number, number: number, offset: number) => void

export function createLines(): Lines {
  let rest = Buffer.alloc(0)
  let number = 0
  /** Offset of the first byte of `rest`. */
  let offset = 0
  let isSkipping = false

  const emit = (bytes: Buffer, from: number, to: number, line: LineVisitor, at: number) => {
    number++
    line(bytes, from, to > from && bytes[to - 1] === 13 ? to - 1 : to, number, at)
  }
  return {
    push(chunk, line, tooLong) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      let from = 0
      for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, from)) {
        if (isSkipping) isSkipping = false
        else if (newline - from > MAX_LINE_BYTES) tooLong(++number, offset + from)
        else emit(bytes, from, newline, line, offset + from)
        from = newline + 1
      }
      if (!isSkipping && bytes.length - from > MAX_LINE_BYTES) {
        tooLong(++number, offset + from)
        isSkipping = true
      }
      offset += isSkipping ? bytes.length : from
      rest = isSkipping ? Buffer.alloc(0) : Buffer.from(bytes.subarray(from))
    },
    end(line) {
      if (rest.length > 0 && !isSkipping) emit(rest, 0, rest.length, line, offset)
    },
  }
}
