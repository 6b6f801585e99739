/**
 * Named points at which a test may kill the agent. Unarmed (always, outside tests) a point costs one comparison.
 * Armed by `GUISE_FAULT=victim:site:n:marker`: at the n-th passing of `site` the victim (`worker`, `supervisor`) gets
 * SIGKILL, once: `marker` is a file made first, so that the restarted process is not killed again.
 */
import { closeSync, openSync } from 'node:fs'

export const FAULT_SITES = [
  'before-intent',
  'intent-written',
  'network-prepared',
  'dns-written',
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
] as const
export type FaultSite = (typeof FAULT_SITES)[number]

const armed = parse(process.env.GUISE_FAULT)
let passed = 0

function parse(text: string | undefined) {
  const [victim, site, n, ...marker] = (text ?? '').split(':')
  if (site === undefined || n === undefined) return null
  return { victim, site, n: Number(n), marker: marker.join(':') }
}

/** `supervisor` is the process that started this one. */
export function maybe(site: FaultSite, supervisor: number = process.ppid): void {
  if (armed === null || armed.site !== site || ++passed !== armed.n) return
  try {
    closeSync(openSync(armed.marker, 'wx'))
  } catch {
    return
  }
  process.kill(armed.victim === 'supervisor' ? supervisor : process.pid, 'SIGKILL')
}
