/**
 * Feeds to indicators: reads every feed's list when it is due, keeps the last good copy of each (a list that cannot be read, or that shrank
 * by nine tenths, does not replace it), and says what changed. The hash names the whole, so an agent is told only of news.
 */
import { createHash } from 'node:crypto'
import { isAbsolute, join, normalize } from 'node:path'
import { NO_PLACES, type Places } from '../decide/places.ts'
import { slug } from '../model/ids.ts'
import type { FeedManifest } from '../model/manifest.ts'
import { durationMs } from '../model/policy.ts'
import type { ServerMessage } from '../model/wire.ts'
import { type ListReading, readList } from '../observe/feeds/local-list.ts'
import { type LocationReading, placesOf, readLocations } from './locations.ts'

type Indicators = Extract<ServerMessage, { type: 'indicators' }>
export type Intel = Pick<Indicators, 'entries' | 'neverBlock' | 'hash'> & { readonly places?: Places }
export type FeedHealth = {
  readonly feed: string
  readonly entries: number
  readonly refused: number
  readonly problem: string | null
}

export type IntelKeeper = {
  /** Reads what is due again; the result is remembered. */
  refresh(feeds: readonly FeedManifest[]): Promise<{ readonly intel: Intel; readonly changed: boolean }>
  current(): Intel
  health(): readonly FeedHealth[]
}

const EMPTY: Intel = { entries: [], neverBlock: [], hash: 'empty' }
const SHRUNK_TO = 0.1
/** Whoever asks for a round does not do so to the millisecond: what is due this soon is due. */
const SLACK_MS = 5_000

export function createIntel(home: string, warn: (text: string) => void, clock: () => number): IntelKeeper {
  /** By `copyOf`: a feed that was led to another file is another list, to which the old one is no better copy. */
  const good = new Map<string, ListReading>()
  const located = new Map<string, LocationReading>()
  /** By the whole of a feed: one that was written anew is another, and read at once. */
  let told = new Map<string, { readonly at: number; readonly health: FeedHealth }>()
  let intel = EMPTY

  /** When nothing is said, with every round; so is what could not be read. */
  async function readWhenDue(feed: FeedManifest, now: number): Promise<{ at: number; health: FeedHealth }> {
    const last = told.get(JSON.stringify(feed))
    const refreshMs = feed.spec.refresh === undefined ? 0 : durationMs(feed.spec.refresh)
    // A clock that was set back must not put a list off.
    const isFresh = last !== undefined && now >= last.at && now < last.at + refreshMs - SLACK_MS
    return isFresh && last.health.problem === null ? last : { at: now, health: await read(feed) }
  }

  async function read(feed: FeedManifest): Promise<FeedHealth> {
    const name = feed.metadata.name
    const last = good.get(copyOf(feed))
    if (feed.spec.use === 'location') return readLocation(feed)
    try {
      const reading = await readList(feedPath(home, feed.spec.path))
      if (last !== undefined && reading.entries.length < last.entries.length * SHRUNK_TO) {
        const problem = `shrank from ${last.entries.length} to ${reading.entries.length} entries; the last good copy stays in force`
        return { feed: name, entries: last.entries.length, refused: reading.refused, problem }
      }
      good.set(copyOf(feed), reading)
      return { feed: name, entries: reading.entries.length, refused: reading.refused, problem: null }
    } catch (error) {
      const problem = `${(error as Error).message}: ${((error as Error).cause as Error | undefined)?.message ?? 'see above'}`
      return { feed: name, entries: last?.entries.length ?? 0, refused: 0, problem }
    }
  }

  async function readLocation(feed: FeedManifest): Promise<FeedHealth> {
    const name = feed.metadata.name
    try {
      located.set(copyOf(feed), await readLocations(feedPath(home, feed.spec.path), located.get(copyOf(feed))))
      return { feed: name, entries: 0, refused: 0, problem: null }
    } catch (error) {
      const problem = `${(error as Error).message}: ${((error as Error).cause as Error | undefined)?.message ?? 'see above'}`
      return { feed: name, entries: 0, refused: 0, problem }
    }
  }

  return {
    async refresh(feeds) {
      const now = clock()
      const rows = await Promise.all(
        feeds.map(async (feed) => [JSON.stringify(feed), await readWhenDue(feed, now)] as const),
      )
      told = new Map(rows)
      for (const { health: one } of told.values()) if (one.problem !== null) warn(`feed ${one.feed}: ${one.problem}`)
      const kept = new Set(feeds.map(copyOf))
      for (const copies of [good, located]) for (const copy of copies.keys()) if (!kept.has(copy)) copies.delete(copy)
      const entries: Indicators['entries'] = []
      const neverBlock: string[] = []
      for (const feed of [...feeds].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
        const confidence = feed.spec.confidence ?? 0.8
        for (const { cidr, score } of good.get(copyOf(feed))?.entries ?? []) {
          if (feed.spec.use === 'neverBlock') neverBlock.push(cidr)
          else
            entries.push({
              cidr,
              score: score ?? feed.spec.score ?? (feed.spec.use === 'blocklist' ? 0 : 0.5),
              feed: slug(feed.metadata.name),
              confidence,
            })
        }
      }
      const hash = createHash('sha256')
        .update(JSON.stringify([entries, neverBlock]))
        .digest('hex')
        .slice(0, 32)
      const readings = feeds.flatMap((feed) => (feed.spec.use === 'location' ? (located.get(copyOf(feed)) ?? []) : []))
      const places = placesOf(readings)
      const changed = hash !== intel.hash || places.digest !== (intel.places?.digest ?? NO_PLACES.digest)
      if (changed) intel = { entries, neverBlock, hash, ...(readings.length === 0 ? {} : { places }) }
      return { intel, changed }
    },
    current: () => intel,
    health: () => [...told.values()].map(({ health }) => health),
  }
}

const copyOf = ({ metadata, spec }: FeedManifest) => `${metadata.name}\0${spec.path}`

/** Relative paths live under the data directory's `feeds/` and cannot climb out of it. */
function feedPath(home: string, path: string): string {
  if (isAbsolute(path)) return normalize(path)
  const inside = normalize(join('/', path))
  return join(home, 'feeds', inside)
}
