/** Files and folders in; the files that are read out, each with what it is, in the order of their first row. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { CsvMap } from './csv-map.ts'
import { type Head, readHead } from './open-bytes.ts'
import { type FileKind, sniff } from './sniff.ts'
import { HINT_LOGS } from './zeek-hints.ts'

export type FoundFile = {
  readonly path: string
  readonly kind: FileKind
  /** Which log of Zeek. */
  readonly log: string
  readonly isGzip: boolean
  readonly firstMs: number
  readonly size: number
}
export type FoundFiles = {
  readonly files: readonly FoundFile[]
  /** Files passed over: kind → how many. */
  readonly skipped: ReadonlyMap<string, number>
  readonly refused: readonly { readonly path: string; readonly why: string }[]
}

/** Unfinished conversations, which come again in the log they belong to. */
const UNFINISHED = /^open_/i
/** Zeek's own name of a log, for those that are passed over. */
const LOG = /^(.*?)[._][^/]*log[^/]*$|\.(log|arff|intel)(\.gz)?$/i
const MAX_FILES = 100_000
const MAX_DEPTH = 12

type Candidate = { readonly path: string; readonly isNamed: boolean }

export async function findFiles(paths: readonly string[], map: CsvMap | null): Promise<FoundFiles> {
  const skipped = new Map<string, number>()
  const refused: { path: string; why: string }[] = []
  const pass = (kind: string) => skipped.set(kind, (skipped.get(kind) ?? 0) + 1)
  /** By absolute path: what is named twice is read once. */
  const candidates = new Map<string, Candidate>()

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
      else if (candidates.size >= MAX_FILES) pass('beyond the first 100,000 files')
      else if (UNFINISHED.test(entry.name)) pass(LOG.exec(entry.name)?.[1] ?? 'other')
      else if (!candidates.has(resolve(path))) candidates.set(resolve(path), { path, isNamed: false })
    }
  }
  for (const path of paths) {
    const found = await stat(path).catch(() => null)
    if (found === null) refused.push({ path, why: 'no such file or folder' })
    else if (found.isDirectory()) await walk(path, 0)
    else if (found.isFile()) candidates.set(resolve(path), { path, isNamed: true })
    else refused.push({ path, why: 'neither a file nor a folder' })
  }
  const files: FoundFile[] = []
  for (const candidate of candidates.values()) {
    const looked = await look(candidate, map)
    if ('kind' in looked) files.push(looked)
    else if ('why' in looked) refused.push(looked)
    else pass(looked.passed)
  }
  files.sort((a, b) => a.firstMs - b.firstMs || (a.path < b.path ? -1 : 1))
  return { files, skipped, refused }
}

const CURE =
  'give pcap, pcapng, nfdump, Zeek or EVE logs, binetflow, or other CSV with --csv-map start=COLUMN,source=COLUMN,target=COLUMN,proto=COLUMN'

const isCut = ({ isGzip, bytes, size }: Head): boolean => isGzip && bytes.length === 0 && size > 0

/** What is named must be readable; in a folder there may be anything. */
async function look(
  { path, isNamed }: Candidate,
  map: CsvMap | null,
): Promise<FoundFile | { path: string; why: string } | { passed: string }> {
  const name = basename(path)
  const head = await readHead(path).catch(() => null)
  if (head === null) return { path, why: 'the file cannot be read' }
  const sniffed = sniff(head.bytes, name, map)
  if (sniffed.kind === null)
    return isNamed
      ? { path, why: `no format that is read: ${isCut(head) ? 'its gzip cannot be unpacked' : sniffed.found}; ${CURE}` }
      : { passed: LOG.exec(name)?.[1] ?? 'other' }
  if (sniffed.kind === 'zeek' && sniffed.log !== 'conn' && HINT_LOGS[sniffed.log] === undefined)
    return isNamed
      ? { path, why: `Zeek's ${sniffed.log} log holds nothing that is read; ${CURE}` }
      : { passed: sniffed.log }
  return { path, isGzip: head.isGzip, size: head.size, ...sniffed }
}
