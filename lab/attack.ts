/** `labAttack(kind)`: one of the lab's own workloads turns bad for a while, in its own namespace, with real packets. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { LabError, labDirectory, requireRoot } from './place.ts'
import { signal, startProgram, startTime } from './processes.ts'
import { readPlan } from './status.ts'
import { ATTACK_TARGETS, addressOf, namespaceOf } from './topology.ts'

export const ATTACKS = ['scan', 'beacon', 'exfil'] as const
export type Attack = (typeof ATTACKS)[number]

export type AttackOptions = {
  readonly dir?: string
  /** Name of the workload that turns bad; default app2 (scan), web1 (beacon, exfil). */
  readonly from?: string
  readonly seconds?: number
  readonly signal?: AbortSignal
  /** The address it speaks to goes on no list; `listed` is on the lab's block-list. */
  readonly target?: string
}

export type AttackReport = {
  readonly kind: Attack
  readonly from: string
  readonly addresses: readonly string[]
  readonly target: string
  readonly seconds: number
  readonly startedAt: number
  readonly endedAt: number
  readonly connections: number
  readonly pings: number
  readonly bytesSent: number
  readonly failed: number
}

/** 2 MB/s: more than any workload of the lab sends, for as long as the attack lasts, yet nothing a small machine feels. */
const EXFIL_PACE = 2_000_000
const EXFIL_PART = 5_000_000
const EXFIL_MOST = 120_000_000

/** One sentence of what it will do. */
export function describeAttack(kind: Attack, from: string, seconds: number, target: string): string {
  if (kind === 'scan') return `${from} tries ports and addresses of 10.77.0.0/16 for ${seconds} s, about 12 a second`
  if (kind === 'beacon') return `${from} calls ${target} every 3 s for ${seconds} s`
  return `${from} uploads about ${Math.round(exfilBytes(seconds) / 1e6)} MB to ${target} within ${seconds} s`
}

export function attackDefaults(
  kind: Attack,
  options: AttackOptions,
): { from: string; seconds: number; target: string } {
  const target =
    options.target ??
    (kind === 'scan' ? '10.77.0.0/16' : kind === 'beacon' ? ATTACK_TARGETS.beacon : ATTACK_TARGETS.drop)
  return { from: options.from ?? (kind === 'scan' ? 'app2' : 'web1'), seconds: options.seconds ?? 60, target }
}

const exfilBytes = (seconds: number) => Math.min(EXFIL_MOST, EXFIL_PACE * seconds)

/** Exfiltration is judged by what the workload usually sends; a lab that was made a moment ago has no usual. */
const SETTLED_MS = 75_000

/** ms until the attack would be judged; 0 when it would be now. */
export function attackWaitMs(kind: Attack, dir: string, now: number): number {
  if (kind !== 'exfil') return 0
  try {
    return Math.max(0, Math.min(SETTLED_MS, statSync(join(dir, 'lab.json')).mtimeMs + SETTLED_MS - now))
  } catch {
    return 0
  }
}

/** Parameters of the attack program. */
function attackParameters(kind: Attack, seconds: number, target: string): Record<string, unknown> {
  if (kind === 'scan')
    return {
      kind,
      seconds,
      scan: {
        networks: ['10.77.1.', '10.77.2.', '10.77.3.', '10.77.8.', '10.77.40.'],
        hosts: 250,
        ports: [22, 445, 3389, 8080],
        perSecond: 12,
        icmpShare: 0.15,
        verticalShare: 0.3,
      },
    }
  if (kind === 'beacon')
    return { kind, seconds, beacon: { address: target, port: 443, everyMs: 3_000, jitter: 0.05, bytes: 180 } }
  const bytes = exfilBytes(seconds)
  return {
    kind,
    seconds,
    exfil: {
      address: target,
      port: 443,
      bytes,
      parts: Math.ceil(bytes / EXFIL_PART),
      pace: EXFIL_PACE,
      everyMs: 20_000,
    },
  }
}

/** Resolves when the attack is over (or was cut off: `failed` says how often). */
export async function labAttack(kind: Attack, options: AttackOptions = {}): Promise<AttackReport> {
  requireRoot('an attack')
  const dir = options.dir ?? labDirectory()
  const plan = readPlan(dir)
  if (!plan) throw new LabError('no lab is up. Run guise lab up first')
  const { from, seconds, target } = attackDefaults(kind, options)
  const index = plan.workloads.findIndex((w) => w.name === from)
  if (index < 0)
    throw new LabError(
      `the lab has no workload ${JSON.stringify(from)}. Its workloads are ${plan.workloads.map((w) => w.name).join(', ')}`,
    )
  const startedAt = Date.now()
  const id = `attack-${kind}-${startedAt}`
  const parameters = { seed: plan.seed + startedAt, ...attackParameters(kind, seconds, target) }
  const pid = startProgram({ dir, namespace: namespaceOf(plan.prefix, from), id, program: 'attack', parameters })
  const started = startTime(pid)
  options.signal?.addEventListener('abort', () => signal(pid, 'SIGKILL'), { once: true })
  const until = startedAt + (seconds + 20) * 1_000
  while (startTime(pid) === started && started !== null && Date.now() < until) await wait(100)
  if (startTime(pid) === started) signal(pid, 'SIGKILL')
  const { v4, v6 } = addressOf(index)
  const done = readDone(join(dir, 'logs', `${id}.log`))
  return { kind, from, addresses: [v4, v6], target, seconds, startedAt, endedAt: Date.now(), ...done }
}

type Done = Pick<AttackReport, 'connections' | 'pings' | 'bytesSent' | 'failed'>

function readDone(log: string): Done {
  const nothing = { connections: 0, pings: 0, bytesSent: 0, failed: 0 }
  try {
    const last = readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? ''
    const { connections, pings, bytesSent, failed } = JSON.parse(last) as Done
    return { connections, pings, bytesSent, failed }
  } catch {
    return nothing
  }
}
