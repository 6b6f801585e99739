/** Files of /proc and of cgroups: short text made by the kernel as it is read, many of them a look. */
import { closeSync, openSync, readSync } from 'node:fs'

const room = Buffer.allocUnsafeSlow(1 << 16)

/** null when it is not there (any more), or not ours to read; cut after 64 kB. */
export function readSmall(path: string): string | null {
  let file = -1
  try {
    file = openSync(path, 'r')
    return room.toString('latin1', 0, readSync(file, room, 0, room.length, 0))
  } catch {
    return null
  } finally {
    if (file >= 0) closeSync(file)
  }
}

/** The number behind `name ` at the beginning of a line; NaN when there is none. */
export function numberOf(text: string | null, name: string): number {
  if (text === null) return Number.NaN
  const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1
  if (at === 0 && !text.startsWith(`${name} `)) return Number.NaN
  return whole(text.slice(at + name.length + 1))
}

/** The number that text begins with. */
export function whole(text: string | null): number {
  const found = text === null ? null : /^\s*(\d{1,20})(?=\s|$)/.exec(text)
  return found === null ? Number.NaN : Number(found[1])
}
