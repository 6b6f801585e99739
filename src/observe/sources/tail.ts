/**
 * Logs that are being written come in (one file, or those of a folder and of the folders in it), batches go out as lines
 * arrive. A file seen for the first time is read from its end, a file that appears later from its beginning; where reading
 * stopped is kept across restarts. Lines are taken at least once: after a crash those of the last seconds come again.
 */
import type { Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createFlowBatch, type FlowBatch } from '../../model/flow.ts'
import { createSourceCounters, type FlowSource, refuse } from '../source.ts'
import type { LineRows } from './line-rows.ts'
import { openTail, type Position, type TailCounters, type TailedFile } from './tail-file.ts'
import { readPositions, writePositions } from './tail-positions.ts'

export type TailOptions = {
  readonly name: string
  /** A file, which need not be there yet, or a folder. */
  readonly path: string
  /** In a folder: whether a file of that name is followed. */
  readonly wants: (name: string) => boolean
  /** A parser for a file of that name; each file and each beginning gets its own. */
  readonly rows: (name: string) => LineRows
  /** Keeps where reading is; null = always from the end. */
  readonly positions: string | null
  readonly lookEveryMs?: number
  readonly clock?: () => number
}

export type TailSource = FlowSource & {
  readonly figures: TailCounters & {
    followed: number
    /** Files beyond the bound, as of the last look. */
    unfollowed: number
    backlogBytes: number
    /** ms from the end of the newest row to now, while there is more to read; 0 = all is read. */
    lagMs: number | null
  }
}

type Followed = {
  readonly file: TailedFile
  /** What was left of a file that was rotated away while nobody followed it: let go at its end. */
  readonly isRest: boolean
  rows: LineRows
  isGivenUp: boolean
  quietSince: number
}

const BATCH_ROWS = 4_096
const LOOK_EVERY_MS = 250
const FIND_EVERY_MS = 2_000
const SAVE_EVERY_MS = 2_000
const MAX_FOLLOWED = 64
/** A hundred days of hourly logs of a few kinds. */
const MAX_SEEN = 16_384
/** Chunks of one file before the others have their turn. */
const CHUNKS_PER_TURN = 8
/** A file of a folder that grew no more makes room for others, and is let go when it is gone. */
const QUIET_MS = 2 * 3_600_000

export function createTailSource(options: TailOptions): TailSource {
  const counters = createSourceCounters()
  const figures = {
    rotated: 0,
    truncated: 0,
    lostBytes: 0,
    tooLong: 0,
    followed: 0,
    unfollowed: 0,
    backlogBytes: 0,
    lagMs: null as number | null,
  }
  const clock = options.clock ?? Date.now
  const followed = new Map<string, Followed>()
  /** All that was followed lately, the latest last: the same file under its archived name is not read again. */
  const seen = new Set<string>()
  /** There at the first look, with no room for them: read from the end, too, when there is. */
  const passedOver = new Set<string>()
  const full: FlowBatch[] = []
  let batch = createFlowBatch(BATCH_ROWS)

  const lineOf = (one: Followed) => (bytes: Buffer, from: number, to: number, number: number, offset: number) => {
    if (one.isGivenUp) return
    counters.read++
    const before = batch.count
    const refused = one.rows.take(batch, bytes, from, to)
    counters.rows += batch.count - before
    if (refused !== null) {
      refuse(counters, { file: one.file.path, line: number, offset }, refused.why)
      one.isGivenUp = refused.scope === 'file'
    }
    if (batch.count < BATCH_ROWS) return
    full.push(batch)
    batch = createFlowBatch(BATCH_ROWS)
  }
  const follow = (file: TailedFile, isRest: boolean) => {
    followed.set(file.path, {
      file,
      isRest,
      rows: options.rows(file.path),
      isGivenUp: false,
      quietSince: clock(),
    })
  }
  const remember = (there: Stats) => {
    seen.delete(identityOf(there))
    seen.add(identityOf(there))
    if (seen.size > MAX_SEEN) seen.delete(seen.values().next().value!)
  }
  /** Reads what one has, up to a turn's worth; true when there was something. */
  const readOn = async (one: Followed): Promise<boolean> => {
    let did = false
    const line = lineOf(one)
    const began = () => {
      one.rows = options.rows(one.file.path)
      one.isGivenUp = false
    }
    for (let i = 0; i < CHUNKS_PER_TURN; i++) {
      const more = await one.file.read(line, began).catch((error: Error) => {
        refuse(counters, { file: one.file.path }, `reading stopped: ${error.message}`)
        return false
      })
      if (!more) break
      did = true
    }
    if (did) one.quietSince = clock()
    return did
  }

  return { name: options.name, counters, figures, batches: (signal) => run(signal) }

  async function* run(signal: AbortSignal): AsyncGenerator<FlowBatch> {
    const known = options.positions === null ? new Map<string, Position>() : await readPositions(options.positions)
    let foundAt = Number.NEGATIVE_INFINITY
    let savedAt = clock()
    let isFirst = true
    const save = async () => {
      if (options.positions === null) return
      for (const [path, { file, isRest }] of followed) {
        if (isRest) continue
        const position = await file.position().catch(() => null)
        if (position !== null) known.set(path, position)
      }
      for (const path of known.keys()) if (!followed.has(path)) known.delete(path)
      await writePositions(options.positions, known).catch((error: Error) =>
        refuse(counters, { file: options.positions! }, `where reading is cannot be kept: ${error.message}`),
      )
    }
    try {
      while (!signal.aborted) {
        if (clock() - foundAt >= FIND_EVERY_MS) {
          foundAt = clock()
          await findFiles(known, isFirst)
          isFirst = false
        }
        let did = false
        for (const one of followed.values()) {
          const read = await readOn(one)
          did ||= read
          yield* ready()
          if (!one.isRest || read) continue
          followed.delete(one.file.path)
          await one.file.close()
        }
        measure()
        if (clock() - savedAt >= SAVE_EVERY_MS) {
          savedAt = clock()
          await save()
        }
        if (!did) await wait(options.lookEveryMs ?? LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
      }
      await save()
    } finally {
      for (const { file } of followed.values()) await file.close()
      followed.clear()
    }
  }

  function* ready(): Generator<FlowBatch> {
    yield* full.splice(0)
    if (batch.count === 0 && batch.hints.length === 0) return
    yield batch
    batch.count = 0
    batch.hints.length = 0
  }

  function measure(): void {
    figures.followed = followed.size
    figures.backlogBytes = 0
    for (const { file } of followed.values()) figures.backlogBytes += file.backlogBytes
    if (figures.backlogBytes === 0) figures.lagMs = counters.rows > 0 ? 0 : null
    else figures.lagMs = Math.max(0, clock() - (batch.end[0] ?? clock()))
    counters.lost = figures.tooLong
  }

  /** New files are followed, those that went quiet in a folder are let go. */
  async function findFiles(known: ReadonlyMap<string, Position>, isFirst: boolean): Promise<void> {
    const paths = await listFiles(options.path, options.wants)
    const listed = new Set(paths)
    figures.unfollowed = 0
    for (const [path, { file, quietSince }] of followed) {
      // One that was deleted would keep its place, and its room on the disk, for good.
      const isWanted = paths.length < MAX_FOLLOWED && listed.has(path)
      if (isWanted || clock() - quietSince < QUIET_MS) continue
      await file.close()
      followed.delete(path)
    }
    for (const path of paths) {
      const there = await stat(path).catch(() => null)
      if (there === null || !there.isFile()) continue
      const wasSeen = path !== options.path && seen.has(identityOf(there))
      if (followed.has(path) || wasSeen) {
        remember(there)
        continue
      }
      if (followed.size >= MAX_FOLLOWED) {
        figures.unfollowed++
        if (isFirst) passedOver.add(identityOf(there))
        continue
      }
      const position = known.get(path)
      if (position !== undefined && isFirst && (position.inode !== there.ino || position.device !== there.dev))
        await readRest(path, position)
      const at =
        position !== undefined
          ? ({ at: 'position', position } as const)
          : ({ at: isFirst || passedOver.delete(identityOf(there)) ? 'end' : 'beginning' } as const)
      const file = await openTail(path, at, figures)
      if (file === null) continue
      remember(there)
      follow(file, false)
    }
  }

  /** It was rotated while nobody followed it: what is left of it, wherever it is now. */
  async function readRest(path: string, position: Position): Promise<void> {
    const old = await findByInode(path, position)
    const file = old === null ? null : await openTail(old, { at: 'position', position }, figures)
    if (file === null) {
      const why = `rotated away and gone while nobody followed it: what came after byte ${position.offset} was not read`
      return refuse(counters, { file: path, offset: position.offset }, why)
    }
    const there = await stat(old!).catch(() => null)
    if (there !== null) remember(there)
    follow(file, true)
  }
}

/** An inode is given away again as soon as its file is deleted; with the time at which it was made it is one file's alone. */
function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`
}

/** A path that is no folder is itself; in a folder and the folders in it, the files that are wanted, newest folders first. */
async function listFiles(path: string, wants: (name: string) => boolean): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => null)
  if (entries === null) return [path]
  const files = entries.filter((entry) => !entry.isDirectory() && wants(entry.name)).map(({ name }) => join(path, name))
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  for (const folder of folders.sort().reverse().slice(0, 100)) {
    const names = await readdir(join(path, folder)).catch(() => [])
    files.push(...names.filter(wants).map((name) => join(path, folder, name)))
  }
  return files
}

/** Beside where it was, or in a folder beside that one (Zeek moves logs into a folder per day). */
async function findByInode(path: string, position: Position): Promise<string | null> {
  const folder = dirname(path)
  const beside = await readdir(dirname(folder), { withFileTypes: true }).catch(() => [])
  const folders = beside.filter((entry) => entry.isDirectory()).map(({ name }) => join(dirname(folder), name))
  for (const one of [folder, ...folders.sort().reverse().slice(0, 50)])
    for (const name of (await readdir(one).catch(() => [])).slice(0, 5_000)) {
      const there = await stat(join(one, name)).catch(() => null)
      if (there?.isFile() === true && there.ino === position.inode && there.dev === position.device)
        return join(one, name)
    }
  return null
}
