/**
 * The entry of the command line. Compiled code is kept in a folder only this user can write (root: /var/cache/guise, else
 * under ~/.cache), because stripping types and compiling is most of what a short command costs; then `program.ts` runs. The
 * server and the agent that a command starts keep theirs there as well: half of the time to come back after a death.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

keepCompiled()
await import('./program.ts')

/** Without a folder of our own nothing is kept: code from a folder others write to would be theirs. */
function keepCompiled(): void {
  const uid = process.getuid?.()
  const folder = uid === 0 ? '/var/cache/guise' : join(homedir(), '.cache', 'guise')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o022) !== 0) return
    enableCompileCache(folder)
    process.env.NODE_COMPILE_CACHE = folder
  } catch {
    // A read-only or full disk costs only time.
  }
}
