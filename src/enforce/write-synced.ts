/** Files that are whole or as before, whoever dies and whenever the power goes: the two halves of it. `node:` alone. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { effectSync } from './fault.ts'

/** All of it is on the disk, under a name that nobody reads yet; `rename` gives it its own. `of` begins the effects' names. */
export function writeSynced(path: string, text: string, of = ''): void {
  const fd = openSync(path, 'w', 0o600)
  try {
    const bytes = Buffer.from(text)
    effectSync(`${of}write`, () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    })
    effectSync(`${of}fsync`, () => fsyncSync(fd))
  } finally {
    closeSync(fd)
  }
}

/** A name that was given or taken in it is on the disk, too (fsync(2)). */
export function syncFolder(folder: string, of = ''): void {
  const fd = openSync(folder, 'r')
  try {
    effectSync(`${of}fsync`, () => fsyncSync(fd))
  } finally {
    closeSync(fd)
  }
}
