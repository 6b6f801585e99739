/**
 * Any mix of recorded files and folders in, batches of flows and hints in the order of time out. What each file is, is decided
 * by what it holds (sniff.ts). Files that overlap are read side by side; memory is bounded by the number of files open at
 * once, not by their size.
 */
import type { FlowBatch, SourceCounters } from '../../model/flow.ts'
import { createPcapSource } from '../pcap/pcap.ts'
import { createSourceCounters, type FlowSource, refuse, type ServiceNames } from '../source.ts'
import type { CsvMap } from './csv-map.ts'
import { createCsvRows } from './csv-rows.ts'
import { createEveRows } from './eve-rows.ts'
import { type FoundFile, findFiles } from './find-files.ts'
import type { LineRows } from './line-rows.ts'
import { mergeByTime } from './merge-by-time.ts'
import { readNfdump } from './nfdump.ts'
import { openBytes } from './open-bytes.ts'
import { readLines } from './read-lines.ts'
import type { FileKind } from './sniff.ts'
import { createZeekLog } from './zeek-log.ts'

/** What came of the files of one kind. */
export type KindFigures = { readonly kind: FileKind; files: number; rows: number; hints: number; refused: number }

export type FileSource = FlowSource & {
  /** Files and lines passed over: kind → how many. Filled while reading. */
  readonly skipped: ReadonlyMap<string, number>
  /** Files that are read, of any kind. */
  readonly files: number
  readonly kinds: readonly KindFigures[]
  /** Bytes on the disk: how far reading has come. */
  readonly progress: { readonly bytes: number; readonly of: number }
}

export function createFileSource(options: {
  readonly paths: readonly string[]
  readonly services: ServiceNames
  /** For CSV files whose header is not known. */
  readonly csvMap?: CsvMap
}): FileSource {
  const counters = createSourceCounters()
  const skipped = new Map<string, number>()
  const kinds = new Map<FileKind, KindFigures>()
  const progress = { bytes: 0, of: 0 }
  const map = options.csvMap ?? null
  let files = 0

  const kindOf = (kind: FileKind): KindFigures => {
    const figures = kinds.get(kind) ?? { kind, files: 0, rows: 0, hints: 0, refused: 0 }
    kinds.set(kind, figures)
    return figures
  }
  async function* read(file: FoundFile, signal: AbortSignal): AsyncGenerator<FlowBatch> {
    const figures = kindOf(file.kind)
    const chunks = openBytes(file, (n) => {
      progress.bytes += n
    })
    const reading = openReading(file, chunks, options.services, map, signal)
    for await (const batch of reading.batches) {
      figures.rows += batch.count
      figures.hints += batch.hints.length
      yield batch
    }
    figures.refused += reading.counters.refused
    addCounters(counters, reading.counters)
    for (const [kind, n] of reading.passed) skipped.set(kind, (skipped.get(kind) ?? 0) + n)
  }

  return {
    name: 'files',
    counters,
    skipped,
    progress,
    get files() {
      return files
    },
    get kinds() {
      return [...kinds.values()]
    },
    async *batches(signal) {
      const found = await findFiles(options.paths, map)
      for (const [kind, n] of found.skipped) skipped.set(kind, n)
      for (const { path, why } of found.refused) refuse(counters, { file: path }, why)
      files = found.files.length
      for (const file of found.files) {
        kindOf(file.kind).files++
        progress.of += file.size
      }
      yield* mergeByTime(found.files.map((file) => ({ firstMs: file.firstMs, open: () => read(file, signal) })))
    },
  }
}

type Reading = {
  readonly batches: AsyncIterable<FlowBatch>
  readonly counters: SourceCounters
  readonly passed: ReadonlyMap<string, number>
}

function openReading(
  file: FoundFile,
  chunks: AsyncIterable<Buffer>,
  services: ServiceNames,
  map: CsvMap | null,
  signal: AbortSignal,
): Reading {
  if (file.kind === 'pcap') {
    const source = createPcapSource({ from: { name: file.path, chunks }, services })
    return { batches: source.batches(signal), counters: source.counters, passed: new Map() }
  }
  if (file.kind === 'nfdump') return { ...readNfdump(file.path, signal), passed: new Map() }
  const rows = rowsOf(file, services, map)
  const counters = createSourceCounters()
  return {
    batches: readLines({ path: file.path, bytes: chunks, rows, counters, signal }),
    counters,
    passed: rows.passed,
  }
}

function rowsOf(file: FoundFile, services: ServiceNames, map: CsvMap | null): LineRows {
  if (file.kind === 'zeek') return createZeekLog(services, file.log)
  if (file.kind === 'eve') return createEveRows(services)
  return createCsvRows(services, file.kind === 'binetflow' ? null : map)
}

const MAX_EXAMPLES = 20

function addCounters(into: SourceCounters, from: SourceCounters): void {
  into.read += from.read
  into.rows += from.rows
  into.lost += from.lost
  into.refused += from.refused
  into.refusals.push(...from.refusals.slice(0, MAX_EXAMPLES - into.refusals.length))
}
