/**
 * Makes the database the first time: under another name, renamed when whole, so that a first start cut short leaves
 * nothing that looks like a database. The server's role is no superuser, and nobody can connect as the one there is.
 */
import { execFile } from 'node:child_process'
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PostmasterOptions } from './postmaster.ts'

const run = promisify(execFile)

const SUPERUSER = 'guise_admin'
const FIRST_STATEMENTS = `create role guise login createdb
create database guise owner guise
`

export async function createDatabase(options: PostmasterOptions, folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    if (name.startsWith('new-')) rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 3 })
  }
  const fresh = join(folder, `new-${process.pid}`)
  const identity = options.user === null ? {} : { uid: options.user.uid, gid: options.user.gid }
  const how = { ...identity, cwd: folder, env: { LC_ALL: 'C.UTF-8', PATH: '/usr/bin:/bin' } }
  const auth = ['--auth-local=peer', '--auth-host=reject']
  const text = ['-E', 'UTF8', '--locale=C.UTF-8']
  try {
    await run(join(options.bin, 'initdb'), ['-D', fresh, '-U', SUPERUSER, ...text, ...auth, '--data-checksums'], how)
    // single-user mode: one statement a line, errors on stderr only
    const single = run(join(options.bin, 'postgres'), ['--single', '-D', fresh, 'postgres'], how)
    single.child.stdin!.end(FIRST_STATEMENTS)
    const { stderr } = await single
    if (/ERROR:/.test(stderr)) throw Object.assign(new Error('the first statements failed'), { stderr })
    writeFileSync(join(fresh, 'pg_hba.conf'), 'local all guise peer map=guise\n')
    renameSync(fresh, options.data)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    throw new Error(`the database could not be created in ${folder}: ${reason(error)}`, { cause: error })
  }
}

function reason(error: unknown): string {
  const lines = String((error as { stderr?: string }).stderr || error).split('\n')
  const telling = lines.filter((line) => /error:|ERROR:|FATAL:|PANIC:/.test(line))
  return (telling.length > 0 ? telling : lines).join(' ').slice(0, 600)
}
