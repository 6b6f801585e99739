/**
 * sock_diag of another network namespace: a short-lived child enters it with nsenter and prints one line of JSON. A thread
 * of this process must not change namespaces: libuv would run other work on it.
 */
import { execFile } from 'node:child_process'
import type { Outcome } from '../../model/why.ts'
import type { SocketSum } from './sock-diag.ts'

/** Where iproute2 keeps named namespaces, and the ones of processes; nothing else is entered. */
const NETNS = /^(?:\/var)?\/run\/netns\/[A-Za-z0-9_.-]{1,64}$|^\/proc\/\d{1,10}\/ns\/net$/
const CHILD = new URL('./sock-diag-child.ts', import.meta.url).pathname
const TIMEOUT_MS = 5_000
const MAX_BYTES = 16 << 20

export function sockDiagIn(netnsPath: string): Promise<Outcome<readonly SocketSum[]>> {
  const refusal = (why: string, cure: string): Outcome<readonly SocketSum[]> => ({
    ok: false,
    code: 'no-sock-diag',
    why,
    cure,
  })
  if (!NETNS.test(netnsPath) || netnsPath.includes('..'))
    return Promise.resolve(refusal('not the path of a network namespace', 'Give /run/netns/NAME or /proc/PID/ns/net.'))
  return new Promise((resolve) => {
    execFile(
      'nsenter',
      [`--net=${netnsPath}`, '--', process.execPath, CHILD],
      { timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES, env: environment() },
      (error, stdout) => {
        const sums = error === null ? parseSums(stdout) : null
        resolve(
          sums === null
            ? refusal(`reading the sockets of ${netnsPath} failed`, 'Run as root with nsenter (util-linux) installed.')
            : { ok: true, value: sums },
        )
      },
    )
  })
}

/** Compiled code is kept: most of what the child costs is its start. */
function environment(): Record<string, string> {
  const { PATH = '/usr/bin:/usr/sbin:/bin:/sbin', NODE_COMPILE_CACHE } = process.env
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) }
}

/** The child is our own program, but it runs in somebody's namespace: what it says is checked like anything read. */
export function parseSums(text: string): SocketSum[] | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) && parsed.every(isSum) ? parsed : null
  } catch {
    return null
  }
}

function isSum(value: unknown): value is SocketSum {
  if (typeof value !== 'object' || value === null) return false
  const sum = value as Record<string, unknown>
  return (
    [sum.local, sum.peer].every((text) => typeof text === 'string' && text.length <= 45) &&
    [sum.rttMs, sum.rttSamples, sum.retransmits, sum.sockets].every((n) => typeof n === 'number' && n >= 0)
  )
}
