/** What `guise observe` reads: recorded files as one stream, or files that grow and exporters that send, until it is stopped. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { parse } from 'yaml'
import { parseAddress } from '../model/address.ts'
import type { FlowBatch, SourceCounters } from '../model/flow.ts'
import { plainText } from '../model/plain-text.ts'
import { createUdpSource } from '../observe/ingest/udp-source.ts'
import type { FlowSource, ServiceNames } from '../observe/source.ts'
import { type CsvMap, csvMapOf, parseCsvMap } from '../observe/sources/csv-map.ts'
import { createEveRows } from '../observe/sources/eve-rows.ts'
import { createFileSource, type FileSource } from '../observe/sources/open.ts'
import { sniff } from '../observe/sources/sniff.ts'
import { createTailSource } from '../observe/sources/tail.ts'
import { createZeekLog } from '../observe/sources/zeek-log.ts'

/** What came of one kind of source. */
export type SourceFigures = {
  readonly kind: string
  readonly files: number
  readonly rows: number
  readonly hints: number
  readonly refused: number
}

export type Opened = {
  batches(signal: AbortSignal): AsyncIterable<FlowBatch>
  readonly counters: readonly SourceCounters[]
  readonly skipped: ReadonlyMap<string, number>
  readonly files: number
  figures(): readonly SourceFigures[]
  /** What a person should know before the first byte: where it listens, what is not there yet. */
  readonly notes: readonly string[]
  /** Share of the bytes that is read, null when there is no end to reach. */
  share(): number | null
}

export type Wanted = {
  readonly paths: readonly string[]
  readonly csvMap: CsvMap | null
  /** `netflow=ADDRESS:PORT`, parsed. */
  readonly listen: readonly Listen[]
  readonly exporters: readonly string[]
  readonly reading: 'whole' | 'follow'
}
export type Listen = { readonly address: string; readonly port: number }

/** A mistake of whoever typed the command: fact, then cure. */
export class WantedError extends Error {}

export function openWanted(wanted: Wanted, services: ServiceNames): Opened {
  const live: { readonly kind: string; readonly files: number; readonly source: FlowSource; hints: number }[] = []
  for (const { address, port } of wanted.listen)
    live.push({
      kind: 'netflow',
      files: 0,
      hints: 0,
      source: createUdpSource({ address, port, exporters: wanted.exporters, services }),
    })
  if (wanted.reading === 'follow')
    for (const path of wanted.paths) live.push({ ...follow(path, services), files: 1, hints: 0 })
  const recorded: FileSource | null =
    wanted.reading === 'whole' && wanted.paths.length > 0
      ? createFileSource({
          paths: wanted.paths,
          services,
          ...(wanted.csvMap === null ? {} : { csvMap: wanted.csvMap }),
        })
      : null
  const noneSkipped: ReadonlyMap<string, number> = new Map()
  return {
    notes: [
      ...wanted.listen.map(({ address, port }) => listenNote(address, port, wanted.exporters)),
      ...(wanted.reading === 'follow' ? wanted.paths.map(followNote) : []),
    ],
    counters: [...(recorded === null ? [] : [recorded.counters]), ...live.map(({ source }) => source.counters)],
    skipped: recorded?.skipped ?? noneSkipped,
    get files() {
      return (recorded?.files ?? 0) + live.length
    },
    figures: () => [
      ...(recorded?.kinds ?? []),
      ...live.map(({ kind, files, source: { counters }, hints }) => ({
        kind,
        files,
        rows: counters.rows,
        hints,
        refused: counters.refused,
      })),
    ],
    share: () =>
      recorded === null || live.length > 0 || recorded.progress.of === 0
        ? null
        : recorded.progress.bytes / recorded.progress.of,
    async *batches(signal) {
      const streams: AsyncIterator<FlowBatch>[] = live.map((one) => counted(one, signal))
      if (recorded !== null) streams.push(recorded.batches(signal)[Symbol.asyncIterator]())
      yield* asTheyCome(streams)
    },
  }
}

async function* counted(
  one: { readonly source: FlowSource; hints: number },
  signal: AbortSignal,
): AsyncGenerator<FlowBatch> {
  for await (const batch of one.source.batches(signal)) {
    one.hints += batch.hints.length
    yield batch
  }
}

const isEveName = (name: string) => /eve.*\.json$/i.test(name)
const isZeekName = (name: string) => /^(?:.*[-_.])?(?:conn|dns|ssl|http|ssh|smtp)[._].*log$/i.test(name)

function follow(path: string, services: ServiceNames): { readonly kind: string; readonly source: FlowSource } {
  const kind = growingKind(path)
  const isEve = (name: string) => (name === path ? kind === 'eve' : isEveName(name))
  const source = createTailSource({
    name: path,
    path,
    wants: (name) => isEveName(name) || isZeekName(name),
    rows: (name) =>
      isEve(name)
        ? createEveRows(services)
        : createZeekLog(services, /(conn|dns|ssl|http|ssh|smtp)[._][^/]*$/i.exec(name)?.[1]?.toLowerCase()),
    positions: null,
  })
  return { kind, source }
}

/** By what it holds, else by its name: a file that is neither of the logs would be waited for without end. */
function growingKind(path: string): 'eve' | 'zeek' {
  const name = basename(path)
  const there = statSync(path, { throwIfNoEntry: false })
  if (there?.isFile() === true) {
    const sniffed = sniff(readBeginning(path), name, null)
    if (sniffed.kind === 'eve' || sniffed.kind === 'zeek') return sniffed.kind
    if (there.size > 0 || !(isEveName(name) || isZeekName(name)))
      throw new WantedError(
        `${plainText(path, 200)} is no log that is followed. --follow reads Zeek and EVE logs; leave it out to read a recording.`,
      )
  } else if (there !== undefined && !there.isDirectory())
    throw new WantedError(`${plainText(path, 200)} is neither a file nor a folder. Give a log, or the folder it is in.`)
  return isEveName(name) ? 'eve' : 'zeek'
}

function readBeginning(path: string): Buffer {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(1 << 14)
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0))
  } finally {
    closeSync(file)
  }
}

function listenNote(address: string, port: number, exporters: readonly string[]): string {
  const who = exporters.length === 0 ? 'this machine' : exporters.join(', ')
  return `listening at ${address.includes(':') ? `[${address}]` : address}:${port} for NetFlow of ${who}`
}

function followNote(path: string): string {
  const shown = plainText(path, 200)
  return existsSync(path) ? `following ${shown} from its end` : `following ${shown}, which is not there yet`
}

/** Whichever has something goes next. A batch is lent until the next one of its own stream is asked for. */
async function* asTheyCome(streams: readonly AsyncIterator<FlowBatch>[]): AsyncGenerator<FlowBatch> {
  if (streams.length === 1) {
    yield* { [Symbol.asyncIterator]: () => streams[0]! }
    return
  }
  const ask = async (stream: AsyncIterator<FlowBatch>) => ({ stream, result: await stream.next() })
  const asked = new Map(streams.map((stream) => [stream, ask(stream)]))
  while (asked.size > 0) {
    const { stream, result } = await Promise.race(asked.values())
    asked.delete(stream)
    if (result.done === true) continue
    yield result.value
    asked.set(stream, ask(stream))
  }
}

/** `start=StartTime,source=SrcAddr,…`, or the path of a YAML file that maps fields to columns. */
export function readCsvMap(text: string): CsvMap {
  if (text === '')
    throw new WantedError('--csv-map names no column. Give start=COLUMN,… or a YAML file of field: column.')
  const found = text.includes('=') ? parseCsvMap(text) : csvMapOf(readYaml(text))
  if (!found.ok) throw new WantedError(`--csv-map: ${found.why}. ${found.cure ?? ''}`)
  return found.value
}

function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const why = plainText((error as Error).message, 200)
    throw new WantedError(
      `--csv-map: the file ${plainText(path, 200)} cannot be read (${why}). Give start=COLUMN,… or a YAML file of field: column.`,
    )
  }
}

/** `netflow=127.0.0.1:2055`, `netflow=[::1]:2055`; the port alone listens on this machine only. */
export function parseListen(text: string): Listen {
  const found = /^netflow=(?:\[?([0-9A-Fa-f.:]+?)\]?:)?(\d{1,5})$/.exec(text)
  const address = found?.[1] ?? '127.0.0.1'
  const port = Number(found?.[2] ?? Number.NaN)
  if (!(port >= 1 && port <= 65_535) || parseAddress(address) === null)
    throw new WantedError(
      `--listen ${plainText(text, 80)} is no place to listen. Write netflow=ADDRESS:PORT, such as netflow=127.0.0.1:2055.`,
    )
  return { address, port }
}
