/**
 * One boot of a host, as far as an agent can tell: a mount namespace in which the kernel names another boot id. The shipped
 * code has no such switch; it reads the file that it always reads. Whoever runs in it ends with it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../kill/range.ts'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'

export type Boot = {
  readonly id: string
  /** argv of a program in this boot, in that network namespace. */
  inside(namespace: string, argv: readonly string[]): string[]
  end(): Promise<void>
}

export async function boot(dir: string): Promise<Boot> {
  const id = randomUUID()
  const file = join(dir, `boot-${id}`)
  writeFileSync(file, `${id}\n`)
  // Slave: namespaces that are made later must appear in it.
  const holder = spawn('unshare', ['--mount', '--propagation', 'slave', 'sleep', 'infinity'], { stdio: 'ignore' })
  const enter = ['nsenter', '-t', String(holder.pid), '--mount']
  const named = (): string =>
    execFileSync(enter[0]!, [...enter.slice(1), 'cat', BOOT_ID], { stdio: 'pipe' })
      .toString()
      .trim()
  const before = execFileSync('cat', [BOOT_ID]).toString().trim()
  await until('a mount namespace of its own', 5_000, () => isApart(holder))
  execFileSync(enter[0]!, [...enter.slice(1), 'mount', '--bind', file, BOOT_ID])
  if (named() !== id || execFileSync('cat', [BOOT_ID]).toString().trim() !== before)
    throw new Error('the boot id is not what the bench made it')
  return {
    id,
    inside: (namespace, argv) => [...enter, `--net=/run/netns/${namespace}`, ...argv],
    async end() {
      holder.kill('SIGKILL')
      await until('its end', 5_000, () => holder.exitCode !== null || holder.signalCode !== null)
    },
  }
}

function isApart({ pid }: ChildProcess): boolean {
  const mounts = (of: string) => execFileSync('readlink', [`/proc/${of}/ns/mnt`]).toString()
  return mounts(String(pid)) !== mounts('self')
}
