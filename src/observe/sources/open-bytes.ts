/** Bytes of a recorded file, unpacked when it is gzip (RFC 1952), and its beginning for a look. */
import { constants, createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createGunzip, gunzipSync, constants as zlib } from 'node:zlib'

const CHUNK_BYTES = 1 << 18
const HEAD_BYTES = 1 << 14

export type Head = { readonly bytes: Buffer; readonly isGzip: boolean; readonly size: number }

/** The first 16 kB, unpacked. */
export async function readHead(path: string): Promise<Head> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const buffer = Buffer.alloc(HEAD_BYTES)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    const { size } = await file.stat()
    const head = buffer.subarray(0, bytesRead)
    const isGzip = head.length > 2 && head[0] === 0x1f && head[1] === 0x8b
    return { bytes: isGzip ? inflateHead(head) : head, isGzip, size }
  } finally {
    await file.close()
  }
}

function inflateHead(head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: 8 << 20 })
  } catch {
    return Buffer.alloc(0)
  }
}

/** `told` hears of the bytes read from the disk. */
export async function* openBytes(
  file: { readonly path: string; readonly isGzip: boolean },
  told: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const raw = createReadStream(file.path, { highWaterMark: CHUNK_BYTES })
  raw.on('data', (chunk) => told(chunk.length))
  if (!file.isGzip) {
    yield* raw
    return
  }
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  raw.on('error', (error) => gunzip.destroy(error))
  try {
    yield* raw.pipe(gunzip)
  } finally {
    raw.destroy()
  }
}
