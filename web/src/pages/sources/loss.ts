/** Loss as a share of what there was: what came and what is known to have been lost. */
import type { SourceRecord } from '../../nouns.ts'

export function lostShare({ lost, flows }: Pick<SourceRecord, 'lost' | 'flows'>): number {
  return lost === 0 ? 0 : lost / (lost + flows)
}

/** Shares in per cent with at most two digits; what is not nothing never reads as nothing. */
export function shareText(share: number): string {
  if (share === 0) return '0'
  const percent = share * 100
  if (percent < 0.01) return '<\u202f0.01\u00a0%'
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toPrecision(2))}\u00a0%`
}
