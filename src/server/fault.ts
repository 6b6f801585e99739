/**
 * Named points at which a test may kill the server, or its database, mid-way. Unarmed (always, outside tests) a point costs
 * one comparison. `GUISE_SERVER_FAULT` is the path of a file with one line `SITE PID`: whoever passes that site
 * removes the file, so that it happens once, and PID gets SIGKILL (`self` is the server).
 */
import { readFileSync, rmSync } from 'node:fs'

export const SERVER_SITES = [
  'server:proposed',
  'server:approved',
  'server:applying',
  'server:confirming',
  'server:confirmed',
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
