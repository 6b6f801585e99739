/**
 * The floor in force: read once (what cannot be used throws, and the agent does not start), and again when its file changes:
 * whoever asks gets what the file says now, so that a tighter floor holds from the moment it is written.
 */
import { lstatSync, unwatchFile, watchFile } from 'node:fs'
import { type FoundFloor, findFloor } from '../enforce/floor-file.ts'
import { floorPaths } from '../enforce/floor-paths.ts'

export type FloorWatch = { readonly found: FoundFloor; close(): void }

const LOOK_MS = 2_000

/** A file that went bad, or went away, while we run lifts nothing: what was read before stays, and that is told. */
export function createFloorWatch(home: string, say: (line: string) => void): FloorWatch {
  let found = findFloor(home)
  say(
    found.path === null
      ? 'no floor file: its defaults hold (guise agent floor show tells them, guise agent floor init writes them down)'
      : `the floor is ${found.path}`,
  )
  const marks = () => floorPaths(home).map(markOf).join(' ')
  let seen = marks()
  const look = () => {
    const mark = marks()
    if (mark === seen) return
    seen = mark
    try {
      const next = findFloor(home)
      if (next.path === null && found.path !== null)
        return say(`${found.path} is gone; what it said holds until the agent is started again`)
      if (JSON.stringify(next) !== JSON.stringify(found)) say(`the floor was read again: ${next.path}`)
      found = next
    } catch (error) {
      say(`${(error as Error).message}; the floor before it stays`)
    }
  }
  for (const path of floorPaths(home)) watchFile(path, { interval: LOOK_MS, persistent: false }, look)
  return {
    get found() {
      look()
      return found
    },
    close() {
      for (const path of floorPaths(home)) unwatchFile(path, look)
    },
  }
}

/** What changes with the file, whoever replaces, writes, hands over or removes it. */
function markOf(path: string): string {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? '-' : `${stats.ino}:${stats.ctimeNs}:${stats.size}`
}
