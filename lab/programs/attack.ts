/**
 * Attacks on the lab's own addresses, as real traffic of a real workload: in: kind, pace and seconds; out: what was done,
 * one JSON line. As a part of a workload (no end) it is what makes a training workload a Scanner or Compromised.
 */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { between, pause, pick, randomOf, readParameters } from './parameters.ts'
import { exchange } from './request.ts'

export type AttackParameters = {
  kind: 'scan' | 'beacon' | 'exfil'
  /** null = until stopped */
  seconds: number | null
  /** Before it begins. */
  delayMs?: number
  scan?: {
    networks: string[]
    hosts: number
    ports: number[]
    perSecond: number
    icmpShare: number
    verticalShare: number
  }
  beacon?: { address: string; port: number; everyMs: number; jitter: number; bytes: number }
  exfil?: { address: string; port: number; bytes: number; parts: number; pace: number; everyMs: number }
}

const own = readParameters<AttackParameters>()
const random = randomOf(own)
const ends = own.seconds === null ? Number.POSITIVE_INFINITY : Date.now() + (own.delayMs ?? 0) + own.seconds * 1_000
const done = { kind: own.kind, connections: 0, pings: 0, bytesSent: 0, failed: 0 }
const goingOn = () => Date.now() < ends

function touch(host: string, port: number): Promise<void> {
  done.connections++
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_500 })
    const close = (failed: number) => {
      done.failed += failed
      socket.destroy()
      resolve()
    }
    socket.on('connect', () => close(0))
    socket.on('timeout', () => close(1))
    socket.on('error', () => close(1))
  })
}

function ping(host: string): void {
  done.pings++
  const child = spawn('ping', ['-n', '-q', '-c', '1', '-W', '1', host], { stdio: 'ignore' })
  child.on('error', () => {
    done.failed++
  })
}

async function scan(plan: NonNullable<AttackParameters['scan']>): Promise<void> {
  let victim = ''
  let port = 1
  let port0 = pick(random, plan.ports)
  for (let n = 0; goingOn(); n++) {
    const host = `${pick(random, plan.networks)}${1 + Math.floor(random() * plan.hosts)}`
    if (n % 120 === 0) {
      victim = host
      port = 1
      port0 = pick(random, plan.ports)
    }
    const dice = random()
    if (dice < plan.icmpShare) ping(host)
    else if (dice < plan.icmpShare + plan.verticalShare) void touch(victim, port++)
    else void touch(host, port0)
    await pause((1_000 / plan.perSecond) * between(random, 0.6, 1.4))
  }
}

async function beacon(plan: NonNullable<AttackParameters['beacon']>): Promise<void> {
  while (goingOn()) {
    done.connections++
    await exchange({ address: plan.address, port: plan.port, path: '/?bytes=120', send: plan.bytes }).then(
      () => {
        done.bytesSent += plan.bytes
      },
      () => {
        done.failed++
      },
    )
    await pause(plan.everyMs * between(random, 1 - plan.jitter, 1 + plan.jitter))
  }
}

async function exfil(plan: NonNullable<AttackParameters['exfil']>): Promise<void> {
  while (goingOn()) {
    const part = Math.floor(plan.bytes / plan.parts)
    for (let i = 0; i < plan.parts && goingOn(); i++) {
      done.connections++
      await exchange({ address: plan.address, port: plan.port, path: '/upload', send: part, pace: plan.pace }).then(
        () => {
          done.bytesSent += part
        },
        () => {
          done.failed++
        },
      )
    }
    if (own.seconds !== null) return
    await pause(plan.everyMs * between(random, 0.8, 1.2))
  }
}

if (own.delayMs) await pause(own.delayMs)
// A blocked attack must still end on time: what hangs is left hanging.
const limit = Number.isFinite(ends) ? setTimeout(finish, ends - Date.now() + 2_000) : undefined
if (own.scan) await scan(own.scan)
if (own.beacon) await beacon(own.beacon)
if (own.exfil) await exfil(own.exfil)
clearTimeout(limit)
finish()

function finish(): never {
  console.log(JSON.stringify(done))
  process.exit(0)
}
