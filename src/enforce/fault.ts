/**
 * Named points at which a test may kill the agent. Unarmed (always, outside tests) a point costs one comparison. Armed by
 * `GUISE_FAULT`, the path of a file with lines `victim:site`: whoever passes the site of the first line strikes that line
 * out, so that it happens once, and the victim (`worker`, `supervisor`) gets SIGKILL.
 */
import { readFileSync, writeFileSync } from 'node:fs'

export const FAULT_SITES = [
  'before-intent',
  'intent-written',
  'facets-prepared',
  'nft-sent',
  'nft-flipped',
  'source-switched',
  'probed',
  'before-commit',
  'committed',
  'permanent',
  'old-removed',
  'intent-cleared',
  'revert-begun',
  'reverted',
  'recovery-begun',
  'recovered',
  'undo-begun',
  'undone',
] as const
export type FaultSite = (typeof FAULT_SITES)[number]

const file = process.env.GUISE_FAULT

/** `supervisor` is the process that started this one. */
export function maybe(site: FaultSite, supervisor: number = process.ppid): void {
  if (file === undefined) return
  let lines: string[]
  try {
    lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return
  }
  const [victim, at] = (lines[0] ?? '').split(':')
  if (at !== site) return
  writeFileSync(file, lines.slice(1).join('\n'))
  process.kill(victim === 'supervisor' ? supervisor : process.pid, 'SIGKILL')
}
