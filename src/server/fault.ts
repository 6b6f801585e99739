/**
 * Named points at which a test may kill the server, or its database, mid-way. Unarmed (always, outside tests) a point costs
 * one comparison. `GUISE_SERVER_FAULT` is the path of a file with one line `SITE PID`: whoever passes that site
 * removes the file, so that it happens once, and PID gets SIGKILL (`self` is the server).
 */
import { readFileSync, rmSync } from 'node:fs'

/** In the order in which an apply passes them. */
export const SERVER_SITES = [
  /** Inside the transaction that stores plan, shift and decision. */
  'server:proposing',
  'server:proposed',
  'server:approved',
  /** Stored, not sent. */
  'server:applying',
  'server:sent',
  /** Stored, the agents do not know. */
  'server:confirming',
  'server:confirm-sent',
  /** Every agent holds it, the record does not say so. */
  'server:all-confirmed',
  /** The target, but not yet what its workloads are said to wear. */
  'server:confirmed',
  'server:worn',
] as const
export type ServerSite = (typeof SERVER_SITES)[number]

const file = process.env.GUISE_SERVER_FAULT

export function maybe(site: ServerSite): void {
  if (file === undefined) return
  let line: string
  try {
    line = readFileSync(file, 'utf8').trim()
  } catch {
    return
  }
  const cut = line.lastIndexOf(' ')
  if (line.slice(0, cut) !== site) return
  const pid = line.slice(cut + 1)
  rmSync(file, { force: true })
  process.kill(pid === 'self' ? process.pid : Number(pid), 'SIGKILL')
}
