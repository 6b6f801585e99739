/** Which files under the given paths are Zeek conn logs, in the order of their first row. */
import { constants } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, constants as zlib } from 'node:zlib'

export type FoundLog = { readonly path: string; readonly isGzip: boolean; readonly firstMs: number }
export type FoundLogs = {
  readonly files: readonly FoundLog[]
  /** Other logs beside them, passed over: kind → how many. */
  readonly skipped: ReadonlyMap<string, number>
  readonly refused: readonly { readonly path: string; readonly why: string }[]
}

/** `conn.log`, `conn.00:00:00-01:00:00.log.gz`, `HOST_conn.log`, `conn.log.labeled`; not open_conn (unfinished, they come again), not conn-summary. */
const CONN = /^(?!.*open_conn)(?:.*[-_.])?conn[._].*log/i
const LOG = /^(.*?)[._][^/]*log[^/]*$|\.(log|arff|intel)(\.gz)?$/i
const MAX_FILES = 100_000
const MAX_DEPTH = 12

export async function findZeekLogs(paths: readonly string[]): Promise<FoundLogs> {
  const found: string[] = []
  const skipped = new Map<string, number>()
  const refused: { path: string; why: string }[] = []

  const walk = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => null)
    if (entries === null) {
      refused.push({ path: folder, why: 'the folder cannot be read' })
      return
    }
    for (const entry of entries) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && depth < MAX_DEPTH) await walk(path, depth + 1)
      else if (!entry.isFile()) continue
      else if (CONN.test(entry.name) && found.length < MAX_FILES) found.push(path)
      else {
        const kind = CONN.test(entry.name)
          ? 'conn (beyond the first 100,000 files)'
          : (LOG.exec(entry.name)?.[1] ?? 'other')
        skipped.set(kind, (skipped.get(kind) ?? 0) + 1)
      }
    }
  }
  for (const path of paths) {
    const found1 = await stat(path).catch(() => null)
    if (found1 === null) refused.push({ path, why: 'no such file or folder' })
    else if (found1.isDirectory()) await walk(path, 0)
    else if (found1.isFile()) found.push(path)
    else refused.push({ path, why: 'neither a file nor a folder' })
  }
  const files: FoundLog[] = []
  for (const path of [...new Set(found)]) {
    const peeked = await peek(path).catch(() => null)
    if (peeked === null) refused.push({ path, why: 'the file cannot be read' })
    else files.push({ path, ...peeked })
  }
  files.sort((a, b) => a.firstMs - b.firstMs || (a.path < b.path ? -1 : 1))
  return { files, skipped, refused }
}

/** Looks at the first 4 kB: gzip by its magic number (RFC 1952), time of the first row (−∞ when there is none). */
async function peek(path: string): Promise<{ isGzip: boolean; firstMs: number }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const buffer = Buffer.alloc(4_096)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    const head = buffer.subarray(0, bytesRead)
    const isGzip = head.length > 2 && head[0] === 0x1f && head[1] === 0x8b
    return { isGzip, firstMs: firstTime(isGzip ? inflateHead(head) : head) }
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

function firstTime(head: Buffer): number {
  const text = head.toString('latin1')
  const at = /^#fields\t(.*)$/m.exec(text)?.[1]?.split('\t').indexOf('ts') ?? -1
  for (const line of text.split('\n', 64)) {
    if (line === '' || line.trimStart().startsWith('#')) continue
    const json = /"ts":\s*(\d+(?:\.\d+)?)/.exec(line)?.[1]
    const seconds = Number(json ?? (at < 0 ? Number.NaN : line.split('\t')[at]))
    if (Number.isFinite(seconds)) return seconds * 1_000
    const iso = Date.parse(/"ts":\s*"([^"]{10,40})"/.exec(line)?.[1] ?? '')
    if (Number.isFinite(iso)) return iso
  }
  return Number.NEGATIVE_INFINITY
}
