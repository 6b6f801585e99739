/**
 * One log file, followed: chunks of lines come out as they are written. It survives what rotation does to a file — renamed
 * and made anew, cut off in place (copytruncate), compressed once renamed — because what was open is read to its end first.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { createLines, type Lines, type LineVisitor } from './lines.ts'

/** Where reading is to go on: only in the same file, and only when it begins as it did. */
export type Position = {
  readonly device: number
  readonly inode: number
  /** First byte that was not taken yet; always the beginning of a line. */
  readonly offset: number
  /** SHA-256 of the first `headBytes`. */
  readonly head: string
  readonly headBytes: number
}

export type TailedFile = {
  readonly path: string
  /** What has been written and not read yet, as of the last look. */
  readonly backlogBytes: number
  /** Reads the next chunk; false when there was nothing. `began` = what comes now is the beginning of a file. */
  read(line: LineVisitor, began: () => void): Promise<boolean>
  position(): Promise<Position | null>
  close(): Promise<void>
}

export type TailCounters = {
  /** Files begun because the one before was renamed away; cut off in place. */
  rotated: number
  truncated: number
  /** Bytes known to be gone unread: cut off, or rotated away while nobody looked. */
  lostBytes: number
  tooLong: number
}

export type From =
  | { readonly at: 'beginning' }
  | { readonly at: 'end' }
  | { readonly at: 'position'; readonly position: Position }

const CHUNK_BYTES = 1 << 18
const HEAD_BYTES = 256
/** Lines of a log's own header are at its very beginning. */
const HEADER_BYTES = 1 << 16

/** Null when there is no such file (yet). A position that does not fit begins at the beginning: twice is better than never. */
export async function openTail(path: string, from: From, counters: TailCounters): Promise<TailedFile | null> {
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  let file = await openPlain(path)
  if (file === null) return null
  let lines: Lines = createLines()
  let identity = await identityOf(file)
  let offset = 0
  /** Where the last whole line ended. */
  let taken = 0
  let base = 0
  let backlogBytes = 0
  let pendingHeader = false
  let hasBegun = false
  await start()

  async function start(): Promise<void> {
    if (from.at === 'end') offset = await lastLineEnd(file!, identity.size)
    else if (from.at === 'position' && (await fits(file!, identity, from.position))) offset = from.position.offset
    else offset = 0
    taken = offset
    base = offset
    pendingHeader = offset > 0
  }
  const renew = () => {
    lines = createLines()
    offset = 0
    taken = 0
    base = 0
    hasBegun = false
    pendingHeader = false
  }
  const give = (line: LineVisitor): LineVisitor => {
    return (bytes, start, end, number, at) => line(bytes, start, end, number, base + at)
  }
  /** True when what is at the path now is another file, or this one begun again. */
  const moveOn = async (line: LineVisitor): Promise<boolean> => {
    const there = await stat(path).catch(() => null)
    if (there === null) return false
    if (there.ino !== identity.inode || there.dev !== identity.device) {
      // Written between the read that found nothing and the look that found the other file.
      if ((await file!.stat()).size > offset) return true
      const next = await openPlain(path)
      if (next === null) return false
      lines.end(give(line))
      await file!.close()
      file = next
      identity = await identityOf(next)
      counters.rotated++
      renew()
      return true
    }
    if (there.size >= offset) return false
    counters.truncated++
    counters.lostBytes += Math.max(0, offset - taken)
    renew()
    return true
  }

  return {
    path,
    get backlogBytes() {
      return backlogBytes
    },
    async read(line, began) {
      if (file === null) return false
      if (!hasBegun) {
        hasBegun = true
        began()
        // A parser that begins in the middle still has to know the columns.
        if (pendingHeader) await readHeader(file, line)
      }
      const { bytesRead } = await file.read(chunk, 0, chunk.length, offset)
      if (bytesRead === 0) {
        backlogBytes = 0
        return moveOn(line)
      }
      lines.push(chunk.subarray(0, bytesRead), give(line), () => counters.tooLong++)
      offset += bytesRead
      const newline = chunk.lastIndexOf(10, bytesRead - 1)
      if (newline >= 0 && newline < bytesRead) taken = offset - bytesRead + newline + 1
      backlogBytes = Math.max(0, (await file.stat()).size - offset)
      return true
    },
    async position() {
      if (file === null) return null
      const { head, headBytes } = await headOf(file, Math.min(HEAD_BYTES, taken))
      return { device: identity.device, inode: identity.inode, offset: taken, head, headBytes }
    },
    async close() {
      await file?.close()
      file = null
    },
  }
}

/** Whatever else is at a path (a pipe, a device) would block or never end. */
async function openPlain(path: string): Promise<FileHandle | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null)
  if (file === null) return null
  if ((await file.stat()).isFile()) return file
  await file.close()
  return null
}

async function identityOf(file: FileHandle): Promise<{ device: number; inode: number; size: number }> {
  const { dev, ino, size } = await file.stat()
  return { device: dev, inode: ino, size }
}

async function headOf(file: FileHandle, bytes: number): Promise<{ head: string; headBytes: number }> {
  const buffer = Buffer.alloc(bytes)
  const { bytesRead } = bytes === 0 ? { bytesRead: 0 } : await file.read(buffer, 0, bytes, 0)
  return {
    head: createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex'),
    headBytes: bytesRead,
  }
}

export async function fits(
  file: FileHandle,
  identity: { readonly device: number; readonly inode: number; readonly size: number },
  position: Position,
): Promise<boolean> {
  if (identity.device !== position.device || identity.inode !== position.inode) return false
  if (identity.size < position.offset || position.headBytes > HEAD_BYTES) return false
  const { head, headBytes } = await headOf(file, position.headBytes)
  return head === position.head && headBytes === position.headBytes
}

/** A line that is being written now is read whole. */
async function lastLineEnd(file: FileHandle, size: number): Promise<number> {
  const length = Math.min(size, HEADER_BYTES)
  const buffer = Buffer.alloc(length)
  if (length > 0) await file.read(buffer, 0, length, size - length)
  const newline = buffer.lastIndexOf(10)
  return newline < 0 ? (length < HEADER_BYTES ? 0 : size) : size - length + newline + 1
}

async function readHeader(file: FileHandle, line: LineVisitor): Promise<void> {
  const buffer = Buffer.alloc(HEADER_BYTES)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
  let from = 0
  let number = 0
  while (from < bytesRead && isHeaderLine(buffer, from)) {
    const newline = buffer.indexOf(10, from)
    if (newline < 0 || newline >= bytesRead) return
    line(buffer, from, newline, ++number, from)
    from = newline + 1
  }
}

/** A `#`, blanks before it allowed: logs that were edited or pasted have some, and are read whole all the same. */
function isHeaderLine(buffer: Buffer, from: number): boolean {
  let at = from
  while (buffer[at] === 32 || buffer[at] === 9) at++
  return buffer[at] === 35
}
