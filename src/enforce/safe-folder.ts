/**
 * Files below a folder that somebody else may write to: every step of a path is opened without following links and kept by
 * its descriptor, so a link put in the way leads nowhere (openat(2) by way of /proc/self/fd). `node:` only.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { effectSync } from './fault.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY, O_CREAT, O_EXCL } = constants
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.%+~-]{0,199}$/

export type Owner = { readonly uid: number; readonly gid: number }

export class SafeFolder {
  readonly #fd: number
  private constructor(fd: number) {
    this.#fd = fd
  }

  /** `anchor` is trusted: the host's own root, or the root of a workload as its driver names it. */
  static open(anchor: string): SafeFolder {
    return new SafeFolder(openSync(anchor, O_RDONLY | O_DIRECTORY))
  }

  /** The folder at the end of these names, alone still open; null when one is not there. Whoever put a link in the way costs no descriptor. */
  static walk(anchor: string, names: readonly string[], how: 'find' | 'make' = 'find'): SafeFolder | null {
    let folder = SafeFolder.open(anchor)
    for (const name of names) {
      let next: SafeFolder | null
      try {
        next = how === 'make' ? folder.make(name) : folder.find(name)
      } finally {
        folder.close()
      }
      if (next === null) return null
      folder = next
    }
    return folder
  }

  /** null when it is not there; throws when it is a link or no folder. */
  find(name: string): SafeFolder | null {
    try {
      return new SafeFolder(openSync(this.#path(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return null
      throw new Error(`${name} is no folder, or a link (${code}); remove it`)
    }
  }

  /** Made when it is not there, for everybody to pass through. */
  make(name: string, mode = 0o755): SafeFolder {
    try {
      effectSync('folder mkdir', () => mkdirSync(this.#path(name), { mode }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    return this.find(name)!
  }

  names(): string[] {
    return readdirSync(this.#self()).filter((name) => NAME.test(name))
  }

  /** null when it is not there, no file (a pipe would keep us waiting), or larger than that. */
  read(name: string, mostBytes = 1 << 20): string | null {
    let fd: number
    try {
      fd = openSync(this.#path(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    } catch {
      return null
    }
    try {
      const stats = fstatSync(fd)
      return stats.isFile() && stats.size <= mostBytes ? readFileSync(fd, 'utf8') : null
    } finally {
      closeSync(fd)
    }
  }

  /** Where a link of that name points; null when there is none. */
  link(name: string): string | null {
    try {
      return readlinkSync(this.#path(name))
    } catch {
      return null
    }
  }

  /** Anew: it must not be there. */
  write(name: string, text: string, mode: number, owner: Owner): void {
    const fd = openSync(this.#path(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      const bytes = Buffer.from(text)
      effectSync('folder write', () => {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      })
      effectSync('folder own', () => {
        fchownSync(fd, owner.uid, owner.gid)
        fchmodSync(fd, mode)
      })
      effectSync('folder fsync', () => fsyncSync(fd))
    } finally {
      closeSync(fd)
    }
  }

  own(mode: number, owner: Owner): void {
    effectSync('folder own', () => {
      fchownSync(this.#fd, owner.uid, owner.gid)
      fchmodSync(this.#fd, mode)
    })
  }

  /** A link appears whole, in place of another (rename(2)). */
  point(name: string, target: string): void {
    const temporary = this.#path(`${name}.new`)
    effectSync('folder link', () => {
      rmSync(temporary, { force: true })
      symlinkSync(target, temporary)
    })
    effectSync('folder rename', () => renameSync(temporary, this.#path(name)))
    effectSync('folder fsync', () => fsyncSync(this.#fd))
  }

  rename(from: string, to: string): void {
    effectSync('folder rename', () => renameSync(this.#path(from), this.#path(to)))
    effectSync('folder fsync', () => fsyncSync(this.#fd))
  }

  /** A link or file itself, not what it points to; a folder with the files in it, and no deeper. */
  remove(name: string): void {
    try {
      effectSync('folder remove', () => unlinkSync(this.#path(name)))
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code !== 'EISDIR' && code !== 'EPERM') throw error
    }
    const folder = this.find(name)
    if (folder === null) return
    try {
      for (const file of folder.names()) effectSync('folder remove', () => unlinkSync(folder.#path(file)))
    } finally {
      folder.close()
    }
    effectSync('folder remove', () => rmdirSync(this.#path(name)))
  }

  mode(name: string): number | null {
    try {
      return lstatSync(this.#path(name)).mode & 0o7777
    } catch {
      return null
    }
  }

  /** epoch ms; 0 when it is gone. */
  changedAt(name: string): number {
    try {
      return lstatSync(this.#path(name)).ctimeMs
    } catch {
      return 0
    }
  }

  close(): void {
    closeSync(this.#fd)
  }

  #self(): string {
    return `/proc/self/fd/${this.#fd}`
  }

  #path(name: string): string {
    if (!NAME.test(name)) throw new Error(`not a file name: ${JSON.stringify(name)}`)
    return `${this.#self()}/${name}`
  }
}
