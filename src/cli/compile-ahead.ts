/**
 * A process that stays for months would carry for as long what strips the types of its files and compiles them: some 25 MiB in
 * each of an agent's two (`bench -- agent-cost`). Before they start the first time, and after a new release, processes that
 * end at once load the same files, and leave what they compiled in the folder that main.ts chose.
 */
import { spawnSync } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AGENT_FLAGS } from '../enforce/worker-flags.ts'

const SOURCE = join(import.meta.dirname, '..')
const PROGRAMS = ['enforce/supervisor.ts', 'agent.ts']
/** What either loads when it is needed, and not before: one file left out is all that strips types. */
export const LATER = ['enforce/drivers/power.ts', 'netlink/nft-batch.ts', 'netlink/socket.ts']
const LONGEST_MS = 60_000

const imported = (file: string) => ['--import', join(SOURCE, file)]

/** Never fails: without it the agent takes more memory, until it is started the next time. */
export function compileAhead(folder = process.env.NODE_COMPILE_CACHE): void {
  if (folder === undefined) return
  try {
    const mark = join(folder, 'agent-compiled')
    const release = `${process.version} ${newestOf(SOURCE)}`
    if (readOr(mark, '') === release) return
    // Under other flags of V8 other code would be kept.
    for (const file of PROGRAMS)
      spawnSync(process.execPath, [...AGENT_FLAGS, ...LATER.flatMap(imported), join(SOURCE, file)], {
        env: { ...process.env, NODE_COMPILE_CACHE: folder },
        stdio: 'ignore',
        timeout: LONGEST_MS,
      })
    writeFileSync(mark, release)
  } catch {}
}

/** ms since the epoch of what was written last below it. */
function newestOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return Math.max(...files.filter((name) => name.endsWith('.ts')).map((name) => lstatSync(join(folder, name)).mtimeMs))
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}
