/** What `guise observe` tells people: what was read and what was not, line by line, and who is who, riskiest first. */
import { parseAddress } from '../model/address.ts'
import { plainText } from '../model/plain-text.ts'
import type { Observation, Observed } from './observe-run.ts'
import { table } from './table.ts'

/** How reading ended: at the end of what there was, or because somebody or the clock said so. */
export type Ending = 'complete' | 'stopped'

const TABLE_ROWS = 40

export function tellLines(observation: Observation, seconds: number, ending: Ending): string[] {
  const { flows, files, refusedCount, refused, skipped, sources } = observation
  const rate = Math.round(flows / Math.max(seconds, 0.001))
  const lines =
    files === 0 ? [] : [`${flows} flows from ${counted(sources)} in ${seconds.toFixed(1)} s (${rate} flows/s)`]
  if (ending === 'stopped') lines.push('stopped before the end: what follows is of what was read until then')
  const read = sources.map(({ kind, files: n, rows, hints }) => {
    const many = n > 1 ? ` ${n}` : ''
    return `${kind}${many} (${rows} flows, ${hints} hints)`
  })
  if (read.length > 0) lines.push(`read: ${read.join(', ')}`)
  const kinds = Object.entries(skipped).map(([kind, n]) => `${plainText(kind, 40)} ${n}`)
  if (kinds.length > 0) {
    const cure = 'other' in skipped ? '; name one of the others by itself to learn why' : ''
    lines.push(`passed over: ${kinds.slice(0, 20).join(', ')}${cure}`)
  }
  if (refusedCount > 0) lines.push(refusedCount > 5 ? `refused: ${refusedCount}; the first:` : 'refused:')
  for (const { file, line, offset, why } of refused.slice(0, 5)) {
    const place = `${line === undefined ? '' : `:${line}`}${offset === undefined ? '' : ` (byte ${offset})`}`
    lines.push(`  ${plainText(file, 300)}${place}: ${why}`)
  }
  if (files === 0)
    lines.push(
      'Nothing to read was found. Give captures, nfdump files, Zeek or EVE logs, CSV of flows, or a folder that holds some.',
    )
  return lines
}

function counted(sources: Observation['sources']): string {
  const files = sources.reduce((sum, one) => sum + one.files, 0)
  const live = sources.filter((one) => one.files === 0).length
  const parts = [
    ...(files > 0 || live === 0 ? [`${files} ${files === 1 ? 'file' : 'files'}`] : []),
    ...(live > 0 ? [`${live} ${live === 1 ? 'listener' : 'listeners'}`] : []),
  ]
  return parts.join(' and ')
}

export function observedTable({ workloads, folded }: Observation): string {
  const shown = workloads.slice(0, TABLE_ROWS)
  const text = table(['ADDRESS', 'PERSONA', 'RISK', 'STRONGEST REASON'], shown.map(toRow), 'No address was seen.', 160)
  const rest = workloads.length - shown.length + folded
  return rest > 0 ? `${text}\n… and ${rest} more; --json lists them` : text
}

function toRow(one: Observed): string[] {
  const reason = one.risk.terms[0]?.evidence
  const why = reason === undefined ? '' : `${reason.kind}: ${reason.why}`
  return [one.address, personaOf(one), one.risk.value.toFixed(2), why]
}

function personaOf({ belief }: Observed): string {
  const best = belief?.personas[0]
  if (belief === null || best === undefined) return 'unknown'
  if (belief.believed !== null) return `${belief.believed} ${best.p.toFixed(2)}`
  return belief.unknown >= best.p
    ? `abstains (like none it knows: ${belief.unknown.toFixed(2)})`
    : `abstains (${best.persona}? ${best.p.toFixed(2)})`
}

/** Riskiest first; of the same risk those with evidence, then yours, then in the order of their numbers. */
export function riskiestFirst(all: readonly Observed[]): Observed[] {
  return all
    .map((one) => ({ one, words: parseAddress(one.address) ?? [0, 0, 0, 0] }))
    .sort(
      (a, b) =>
        b.one.risk.value - a.one.risk.value ||
        Number(b.one.evidence.length > 0) - Number(a.one.evidence.length > 0) ||
        Number(b.one.isHome) - Number(a.one.isHome) ||
        compareWords(a.words, b.words),
    )
    .map(({ one }) => one)
}

function compareWords(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((word, i) => word !== b[i])
  return at < 0 ? 0 : a[at]! - b[at]!
}
