/** What a source has counted so far comes in with each tick; how fast it gives, and what was lost lately, goes out. */
import { BEHIND_AFTER_MS, SILENT_AFTER_MS, type SourceState } from '../model/source-health.ts'

export type SourceMeter = {
  /** Counts since the start; `now` in epoch ms. */
  sample(now: number, flows: number, lost: number): void
  readonly flowsPerSecond: number
  readonly lostLately: number
  /** When there was last more than before. */
  readonly lastSeen: number | null
}

const LATELY_MS = 60_000

export function createSourceMeter(startedAt: number): SourceMeter {
  const samples: { at: number; flows: number; lost: number }[] = [{ at: startedAt, flows: 0, lost: 0 }]
  let lastSeen: number | null = null
  const rise = (name: 'flows' | 'lost') => samples.at(-1)![name] - samples[0]![name]
  return {
    sample(now, flows, lost) {
      if (flows > samples.at(-1)!.flows) lastSeen = now
      samples.push({ at: now, flows, lost })
      while (samples.length > 2 && (samples[1]!.at <= now - LATELY_MS || samples.length > 100)) samples.shift()
    },
    get flowsPerSecond() {
      const ms = samples.at(-1)!.at - samples[0]!.at
      return ms <= 0 ? 0 : Math.max(0, (1_000 * rise('flows')) / ms)
    },
    get lostLately() {
      return Math.max(0, rise('lost'))
    },
    get lastSeen() {
      return lastSeen
    },
  }
}

/** The state that figures speak for, with its reason. */
export function judgeSource(
  now: number,
  startedAt: number,
  figures: {
    readonly failed: string | null
    readonly lostLately: number
    readonly lagMs: number | null
    readonly lastSeen: number | null
    /** What to say of silence. */
    readonly quiet: string
  },
): { readonly state: SourceState; readonly why: string } {
  if (figures.failed !== null) return { state: 'failed', why: figures.failed }
  if (figures.lostLately > 0)
    return { state: 'behind', why: `lost ${figures.lostLately} in the last minute; hops say where` }
  if (figures.lagMs !== null && figures.lagMs > BEHIND_AFTER_MS)
    return { state: 'behind', why: `${Math.round(figures.lagMs / 1_000)} s behind what is sent` }
  if (now - (figures.lastSeen ?? startedAt) > SILENT_AFTER_MS) return { state: 'silent', why: figures.quiet }
  return { state: 'live', why: '' }
}
