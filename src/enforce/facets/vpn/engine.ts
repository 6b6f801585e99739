/**
 * wireguard-go, one process per tunnel, in the workload's namespace and in a session of its own: it outlives an agent that
 * dies, so that a tunnel does not. It is found again by its command line and ended by its id. `node:` only.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { setPriority } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { effectSync } from '../../fault.ts'
import { NAMESPACE_PATH } from '../../step.ts'
import { getDevice, socketOf } from './uapi.ts'

export type Spot = { readonly key: string; readonly namespace: string }

const PROGRAM = 'wireguard-go'
const STARTS_WITHIN_MS = 10_000
const ENDS_WITHIN_MS = 3_000
const POLL_MS = 10

/**
 * What the device is called while it is made, and its socket for good: sockets of all namespaces are in one folder
 * (wireguard-go listens under /var/run/wireguard/NAME.sock), so the name is one per host.
 */
export function deviceName({ key, namespace }: Spot): string {
  return `gw${createHash('sha256').update(`${namespace}\0${key}`).digest('hex').slice(0, 12)}`
}

/** null when it can be started here, else the sentence for a person. */
export function engineMissing(): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, PROGRAM), constants.X_OK)
      return null
    } catch {}
  }
  return `${PROGRAM} is not installed on this host; apt-get install ${PROGRAM}`
}

/** Its process id, or null when none runs. */
export function findEngine(spot: Spot): number | null {
  const wanted = `${PROGRAM}\0-f\0${deviceName(spot)}\0`
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      // A workload's own process may call itself anything; ours belong to root.
      if (
        readFileSync(`/proc/${name}/cmdline`, 'latin1') === wanted &&
        statSync(`/proc/${name}`).uid === 0 &&
        !isZombie(name)
      )
        return Number(name)
    } catch {}
  }
  return null
}

/** Runs and answers afterwards; one of another namespace of that name (it was made anew) is ended first. */
export async function ensureEngine(spot: Spot): Promise<void> {
  const { namespace } = spot
  if (!NAMESPACE_PATH.test(namespace)) throw new Error(`not a namespace path: ${JSON.stringify(namespace)}`)
  const name = deviceName(spot)
  const running = findEngine(spot)
  if (running !== null && isIn(running, namespace) && (await answers(name))) return
  if (running !== null) await endEngine(spot)
  effectSync('vpn socket', () => rmSync(socketOf(name), { force: true }))
  const child = effectSync('vpn start', () =>
    spawn('nsenter', [`--net=${namespace}`, PROGRAM, '-f', name], {
      // Its own session: what kills the worker's process group does not cut the tunnel.
      detached: true,
      stdio: 'ignore',
      env: { PATH: process.env.PATH ?? '', LOG_LEVEL: 'silent', WG_PROCESS_FOREGROUND: '1' },
    }),
  )
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) => resolve(`it ended with ${code ?? signal}`))
  })
  child.unref()
  try {
    // The agent's own haste (supervisor.ts) is not for people's traffic.
    if (child.pid !== undefined) setPriority(child.pid, 0)
  } catch {}
  for (let waitedMs = 0; !(await answers(name)); waitedMs += POLL_MS) {
    const gone = await Promise.race([ended, wait(POLL_MS, null)])
    if (gone !== null) throw new Error(`${PROGRAM} for ${spot.key} did not start: ${gone}`)
    if (waitedMs > STARTS_WITHIN_MS) throw new Error(`${PROGRAM} for ${spot.key} does not answer`)
  }
}

/** Its device goes with it. */
export async function endEngine(spot: Spot): Promise<void> {
  const pid = findEngine(spot)
  if (pid === null) return
  signal(pid, 'SIGTERM')
  for (let waitedMs = 0; findEngine(spot) === pid; waitedMs += POLL_MS) {
    if (waitedMs === ENDS_WITHIN_MS) signal(pid, 'SIGKILL')
    if (waitedMs > 2 * ENDS_WITHIN_MS) throw new Error(`${PROGRAM} for ${spot.key} (process ${pid}) does not end`)
    await wait(POLL_MS)
  }
  effectSync('vpn socket', () => rmSync(socketOf(deviceName(spot)), { force: true }))
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    effectSync('vpn end', () => process.kill(pid, name))
  } catch {
    // It is gone.
  }
}

async function answers(name: string): Promise<boolean> {
  return getDevice(name).then(
    () => true,
    () => false,
  )
}

function isIn(pid: number, namespace: string): boolean {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino === statSync(namespace).ino
  } catch {
    return false
  }
}

function isZombie(pid: string): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
}
