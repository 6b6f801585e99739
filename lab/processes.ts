/** Programs of a lab: started inside their namespace, written down, and later found again without mistaking anyone else for them. */
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A pid is re-used; a pid with its start time (clock ticks since boot, proc(5) field 22) is not. */
type Written = { readonly pid: number; readonly started: string }

export function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : fields[19]!
  } catch {
    return null
  }
}

export type Start = {
  readonly dir: string
  readonly namespace: string
  /** Name of the process in the lab, e.g. `web1-0`. */
  readonly id: string
  readonly program: string
  readonly parameters: Record<string, unknown>
}

/** Starts `programs/<program>.ts` inside a namespace, detached from us, and writes its pid down. */
export function startProgram(start: Start): number {
  for (const sub of ['pids', 'logs', 'ready']) mkdirSync(join(start.dir, sub), { recursive: true })
  const log = openSync(join(start.dir, 'logs', `${start.id}.log`), 'a')
  const file = fileURLToPath(new URL(`programs/${start.program}.ts`, import.meta.url))
  const parameters = { name: start.id, ready: join(start.dir, 'ready', start.id), ...start.parameters }
  const child = spawn(
    'ip',
    [
      'netns',
      'exec',
      start.namespace,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      '--max-old-space-size=128',
      file,
      JSON.stringify(parameters),
    ],
    { detached: true, stdio: ['ignore', log, log], env: { PATH: process.env.PATH ?? '', LANG: 'C' } },
  )
  closeSync(log)
  child.on('error', () => {})
  child.unref()
  const pid = child.pid
  if (pid === undefined) throw new Error(`starting ${start.id}: ip netns exec did not start`)
  const written: Written = { pid, started: startTime(pid) ?? '' }
  writeFileSync(join(start.dir, 'pids', `${start.id}.json`), JSON.stringify(written))
  return pid
}

/** Processes of this lab that still live, from what was written down. */
export function writtenProcesses(dir: string): { id: string; pid: number; started: string }[] {
  const pids = join(dir, 'pids')
  if (!existsSync(pids)) return []
  return readdirSync(pids).flatMap((file) => {
    try {
      const { pid, started } = JSON.parse(readFileSync(join(pids, file), 'utf8')) as Written
      const now = startTime(pid)
      return now !== null && now === started ? [{ id: file.replace(/\.json$/, ''), pid, started }] : []
    } catch {
      return []
    }
  })
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already: that is what was wanted.
  }
}

/** A PostgreSQL that was killed leaves one System V segment; its key and id are on line 7 of postmaster.pid. */
export function freeSharedMemory(clusterDir: string): void {
  const file = join(clusterDir, 'postmaster.pid')
  if (!existsSync(file)) return
  const id = readFileSync(file, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1]
  if (!id || !/^\d+$/.test(id)) return
  try {
    execFileSync('ipcrm', ['-m', id], { stdio: 'ignore' })
  } catch {
    // Already given back.
  }
}
