/**
 * What the agent found on its host, kept in a file of its home for the next start. Where nothing can be written (a disk that
 * is full) it is kept here meanwhile, and whoever asks finds the newest; each time somebody asks, writing is tried again.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

type Unwritten = { readonly text: string; readonly why: string }
const unwritten = new Map<string, Unwritten>()
const tell = (line: string) => void process.stderr.write(`guise agent: ${line}\n`)

/** As JSON; null where there is none, or none that is whole. */
export function readKept(path: string): unknown {
  const owed = unwritten.get(path)
  if (owed !== undefined) write(path, owed.text)
  try {
    return JSON.parse(unwritten.get(path)?.text ?? readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

/** Does not throw. `say` is told once that it cannot be written. */
export function keep(path: string, value: unknown, say: (line: string) => void = tell): void {
  const isNews = !unwritten.has(path)
  write(path, JSON.stringify(value))
  const why = keptFault(path)
  if (isNews && why !== null) say(`${path} cannot be written, and is known until the next start alone: ${why}`)
}

/** Why the newest is not on the disk; null when it is. */
export function keptFault(path: string): string | null {
  return unwritten.get(path)?.why ?? null
}

function write(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
    unwritten.delete(path)
  } catch (error) {
    unwritten.set(path, { text, why: (error as Error).message })
  }
}
