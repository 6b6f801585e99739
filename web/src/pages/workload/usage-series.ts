/** What is told of a workload's use, put in the order it is shown in: what moved, what was nothing all the time, what is not known. */
import type { FigureTold, VitalsTold } from '../../nouns.ts'

type Name = FigureTold['name']

export type Usage = {
  /** epoch ms: ends of the windows */
  readonly at: readonly number[]
  readonly drawn: readonly UsageDrawn[]
  /** Known, and nothing all the time. */
  readonly still: readonly FigureTold[]
  readonly unknown: readonly { readonly why: string | null; readonly figures: readonly FigureTold[] }[]
}
export type UsageDrawn = {
  readonly figure: FigureTold
  readonly column: readonly (number | null)[]
  /** What it may not go over, in its own unit. */
  readonly limit: number | null
  /** Of the picture, whose floor is 0. */
  readonly top: number
}

export const WINDOW_MS = 30_000

const ORDER: readonly Name[] = [
  ...(['cpu', 'throttled', 'memory', 'memoryLimit', 'oomKills', 'diskRead', 'diskWrite'] as const),
  ...(['sent', 'received', 'dropsOut', 'dropsIn', 'errors', 'backlog', 'queueDrops'] as const),
  ...(['processes', 'starts', 'systemCalls', 'syscalls'] as const),
]
/** What is less than this is near the floor: else the noise of an idle workload is a mountain range. */
const LEAST_TOP: Readonly<Record<string, number>> = {
  cores: 0.05,
  bytes: 10_000,
  'bytes/s': 1_000,
  processes: 4,
}
const LEAST_TOP_ELSE = 0.1

export function usageOf({ figures, history }: VitalsTold): Usage {
  const at = history.start.map((start) => start + WINDOW_MS)
  const ordered = figures.toSorted((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name))
  const isKnown = ({ now, mean }: FigureTold) => now !== null || mean !== null
  const known = ordered.filter(isKnown)
  const isStill = ({ now, most }: FigureTold) => Math.max(now ?? 0, most ?? 0) === 0
  const limit = known.find(({ name }) => name === 'memoryLimit')
  const unknown = new Map<string | null, FigureTold[]>()
  for (const one of ordered) if (!isKnown(one)) unknown.set(one.why, [...(unknown.get(one.why) ?? []), one])
  return {
    at,
    // The limit is a line in the picture of what it limits.
    drawn: known
      .filter((one) => !isStill(one) && one !== limit)
      .map((one) => drawnOf(one, history.columns[one.name] ?? [], one.name === 'memory' ? limit?.now : null)),
    still: known.filter((one) => isStill(one) && one !== limit),
    unknown: [...unknown].map(([why, lacking]) => ({ why, figures: lacking })),
  }
}

function drawnOf(figure: FigureTold, column: UsageDrawn['column'], limit: number | null | undefined): UsageDrawn {
  const least = LEAST_TOP[figure.unit] ?? LEAST_TOP_ELSE
  const top = column.reduce<number>((most, value) => Math.max(most, value ?? 0), Math.max(least, limit ?? 0))
  return { figure, column, limit: limit ?? null, top }
}

/** How far back goes what was told; at most an hour. */
export function spanOf({ at, history }: VitalsTold): number {
  return at === null ? 0 : at - (history.start[0] ?? at)
}

/** What was told of the windows that begin at `from` or later: means and sums are theirs. Before the first of them is over, all of it. */
export function since(told: VitalsTold, from: number): VitalsTold {
  const { start, columns } = told.history
  const first = start.findIndex((one) => one >= from)
  if (first < 0) return told
  const cut = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.slice(first)]))
  const figures = told.figures.map((one): FigureTold => {
    const seen = (cut[one.name] ?? []).filter((value) => value !== null)
    if (seen.length === 0) return { ...one, mean: null, most: null, total: null }
    const sum = seen.reduce((all, value) => all + value, 0)
    const total = one.total === null ? null : (sum * WINDOW_MS) / 1_000
    return { ...one, mean: sum / seen.length, most: Math.max(...seen), total }
  })
  return { ...told, figures, history: { start: start.slice(first), columns: cut } }
}

/** Every figure that is known, for the table. */
export function knownFigures({ figures }: VitalsTold): FigureTold[] {
  return figures
    .filter(({ now, mean }) => now !== null || mean !== null)
    .toSorted((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name))
}
