/** A QEMU process of ours: started, found again by whoever comes after us, ended. Its identity is its uuid, not its pid. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { effect, effectSync } from '../../fault.ts'
import { NAMESPACE_PATH } from '../../step.ts'
import { type Accelerator, type Machine, qemuArguments, socketsOf } from './machine.ts'
import { withQmp } from './qmp.ts'

/** As it was started: a copy of it must be started alike. */
export type Running = {
  readonly pid: number
  readonly accelerator: Accelerator
  readonly memoryMb: number
  readonly cpus: number
}

const QEMU = 'qemu-system-x86_64'
const LOOK_MS = 20
const ANSWERS_WITHIN_MS = 10_000

/** Null when it does not run: a pid of the file may belong to anybody by now. */
export function findRunning(uuid: string): Running | null {
  try {
    const { pid, ...rest } = JSON.parse(readFileSync(recordOf(uuid), 'utf8')) as Running
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return argv.includes(uuid) && argv[0]?.endsWith(QEMU) ? { pid, ...rest } : null
  } catch {
    return null
  }
}

/** Throws with QEMU's own words when it does not start. */
export async function launch(
  machine: Machine,
  accelerator: Accelerator,
  options: { readonly namespace: string | null; readonly disk: string | null; readonly incoming: string | null },
): Promise<Running> {
  const sockets = socketsOf(machine.uuid)
  const folder = dirname(sockets.monitor)
  effectSync('machine mkdir', () => mkdirSync(folder, { recursive: true, mode: 0o700 }))
  const awaited = [sockets.monitor, ...(options.incoming === null ? [] : [options.incoming])]
  for (const path of awaited) effectSync('machine socket', () => rmSync(path, { force: true }))
  const complaint = join(folder, 'complaint')
  const pid = await spawnAlone(options.namespace, qemuArguments(machine, accelerator, options), complaint)
  const running = { pid, accelerator, memoryMb: machine.memoryMb, cpus: machine.cpus }
  // Before it is asked anything, so that whoever comes after us finds it.
  effectSync('machine write', () => writeFileSync(recordOf(machine.uuid), JSON.stringify(running), { mode: 0o600 }))
  for (
    const end = performance.now() + ANSWERS_WITHIN_MS;
    !awaited.every((path) => existsSync(path));
    await wait(LOOK_MS)
  ) {
    if (isGone(pid) || performance.now() > end) {
      const words = readFileSync(complaint, 'utf8').trim().slice(0, 600)
      await cut(machine.uuid)
      throw new Error(`${machine.name} did not start: ${words || `${QEMU} said nothing`}`)
    }
  }
  return running
}

/** In a session of its own: what ends the agent, or the group of its processes, does not end a machine. */
async function spawnAlone(namespace: string | null, argv: readonly string[], complaint: string): Promise<number> {
  if (namespace !== null && !NAMESPACE_PATH.test(namespace))
    throw new Error(`not a namespace path: ${JSON.stringify(namespace)}`)
  const whole = namespace === null ? [QEMU, ...argv] : ['nsenter', `--net=${namespace}`, QEMU, ...argv]
  const stderr = openSync(complaint, 'w', 0o600)
  try {
    const child = effectSync('machine start', () =>
      spawn(whole[0]!, whole.slice(1), {
        detached: true,
        stdio: ['ignore', 'ignore', stderr],
        env: { PATH: process.env.PATH ?? '' },
      }),
    )
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error) =>
        reject(
          new Error(`${whole[0]} did not start (${error.message}); cure: apt-get install qemu-system-x86 util-linux`),
        ),
      )
    })
    child.unref()
    return child.pid!
  } finally {
    closeSync(stderr)
  }
}

/** Ends the process and takes away what it leaves below /run. */
export async function cut(uuid: string): Promise<void> {
  const running = findRunning(uuid)
  if (running !== null) {
    await withQmp(socketsOf(uuid).monitor, (qmp) => effect('machine quit', () => qmp.execute('quit'))).catch(() => {})
    if (!(await endsWithin(running.pid, 3_000))) {
      // Asked again: it may have ended, and its number have been given away, since.
      if (findRunning(uuid)?.pid === running.pid) effectSync('machine end', () => process.kill(running.pid, 'SIGKILL'))
      if (!(await endsWithin(running.pid, 3_000))) throw new Error(`QEMU process ${running.pid} does not end`)
    }
  }
  effectSync('machine remove', () => rmSync(dirname(recordOf(uuid)), { recursive: true, force: true }))
}

export async function endsWithin(pid: number, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs
  while (!isGone(pid)) {
    if (performance.now() > end) return false
    await wait(LOOK_MS)
  }
  return true
}

/** Dead and not yet waited for by its parent counts: it holds nothing any more. */
function isGone(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return true
  }
}

function recordOf(uuid: string): string {
  return join(dirname(socketsOf(uuid).monitor), 'running.json')
}
