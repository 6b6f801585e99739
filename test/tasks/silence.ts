/**
 * Ends a test file that has said nothing for long. The runner's own `timeout` is for tests: it waits for the end of the file's
 * output, which a process that a failed hook left running holds open for ever.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export type Silence = {
  /** Something was said. */
  heard(): void
  stop(): void
}

/** After `ms` without a word, this process's child that runs `file` is ended, with what descends from it and what holds its output. */
export function endWhenSilent(file: string, ms: number, tell: (ended: readonly number[]) => void): Silence {
  let output: string | undefined
  const find = () => descendants(process.pid).find((pid) => read(`/proc/${pid}/cmdline`).includes(file))
  const end = () => {
    const child = find()
    output ??= outputOf(child)
    const ended = new Set([...(child === undefined ? [] : [child, ...descendants(child)]), ...holders(output)])
    for (const pid of ended)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended by itself.
      }
    tell([...ended])
  }
  const timer = setTimeout(end, ms)
  return {
    heard() {
      // Known as long as the child lives, wanted when it is gone.
      output ??= outputOf(find())
      timer.refresh()
    },
    stop: () => clearTimeout(timer),
  }
}

function outputOf(pid: number | undefined): string | undefined {
  const link = pid === undefined ? '' : linkOf(`/proc/${pid}/fd/1`)
  return /^(pipe|socket):/.test(link) ? link : undefined
}

function holders(output: string | undefined): number[] {
  if (output === undefined) return []
  return pids().filter((pid) => pid !== process.pid && [1, 2].some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === output))
}

function descendants(of: number): number[] {
  const parents = new Map(pids().map((pid) => [pid, Number(/^PPid:\t(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1])]))
  const under = (pid: number): number[] =>
    [...parents].filter(([, parent]) => parent === pid).flatMap(([child]) => [child, ...under(child)])
  return under(of)
}

const pids = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger)

/** Processes come and go: one that is gone says nothing. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
