/** What is told of a workload's use, put in the order it is shown in: what moved, what was nothing all hour, what is not known. */
import type { FigureTold, VitalsTold } from '../../nouns.ts'

type Name = FigureTold['name']

export type Usage = {
  /** epoch ms: ends of the windows of the last hour */
  readonly at: readonly number[]
  readonly drawn: readonly UsageDrawn[]
  /** Known, and nothing all hour. */
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

/** Every figure that is known, for the table. */
export function knownFigures({ figures }: VitalsTold): FigureTold[] {
  return figures
    .filter(({ now, mean }) => now !== null || mean !== null)
    .toSorted((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name))
}
