/**
 * From a malicious flow to its first dropped packet. A client namespace calls a block-listed address; that packet is the
 * record (its conntrack NEW event). Counted from the moment it was sent to the moment at which the first probe was sent
 * that did not arrive; probes every 0.2 ms, which is the resolution. fail2ban runs in the same router, interleaved, with the
 * same prober: its record is a log line written in the moment of the first packet. It tails logs and counts failures, ours
 * consumes flow records: each gets its own kind of record at the same instant, and the same witness. Ours runs at nice −10,
 * as the agent does; fail2ban as it starts by itself; the witness at −15, because a late witness measures itself.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { makeNamespaces, removeNamespace } from '../lab/namespace.ts'
import { type LabPlan, namespaceOf, namespacesOf } from '../lab/topology.ts'
import { until } from './kill/range.ts'
import { startFail2ban } from './react/fail2ban.ts'
import { aim, percentile, report } from './report.ts'

const REPETITIONS = 120
const WARM_UP = 10
const FAIL2BAN_EVERY = 3
const ROOT = new URL('..', import.meta.url).pathname

type Shot = { readonly peer: string; readonly t0: number; readonly dropped: number | null; readonly probes: number }
type Stamp = { readonly peer: string; readonly batchAt: number; readonly hitAt: number; readonly ackAt: number }

export async function run(args: readonly string[]): Promise<void> {
  const prefix = `guiser${process.pid.toString(36)}`.slice(0, 11)
  const plan: LabPlan = {
    prefix,
    seed: 1,
    workloads: [{ name: 'wa', persona: 'Idle', declared: false, app: 'bench', programs: [] }],
  }
  const router = namespaceOf(prefix, 'r')
  const dir = mkdtempSync(join(tmpdir(), 'guise-react-'))
  const children: ChildProcess[] = []
  try {
    await makeNamespaces(plan)
    const figures = await measure(dir, prefix, router, children)
    report(args, 'react', figures, { p50_ms: aim(figures.p50_ms, '<=', 1), p99_ms: aim(figures.p99_ms, '<=', 10) })
  } finally {
    for (const child of children) child.kill('SIGTERM')
    await until('the children left', 5_000, () =>
      children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null),
    ).catch(() => {
      for (const child of children) child.kill('SIGKILL')
    })
    for (const namespace of namespacesOf(plan)) await removeNamespace(namespace)
    rmSync(dir, { recursive: true, force: true })
  }
}

async function measure(dir: string, prefix: string, router: string, children: ChildProcess[]) {
  const reactor = spawn(
    'nsenter',
    [
      `--net=/run/netns/${router}`,
      'nice',
      '-n',
      '-10',
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      join(ROOT, 'bench/react/reactor.ts'),
    ],
    {
      env: { ...process.env, GUISE_BENCH_DIR: dir },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  children.push(reactor)
  const stamps = new Map<string, Stamp>()
  let ready = false
  createInterface({ input: reactor.stdout! }).on('line', (line) => {
    const said = JSON.parse(line) as Stamp & { ready?: true }
    if (said.ready === true) ready = true
    else stamps.set(said.peer, said)
  })
  const prober = spawn(
    'nice',
    [
      '-n',
      '-15',
      'python3',
      join(ROOT, 'bench/react/prober.py'),
      namespaceOf(prefix, 'wa'),
      namespaceOf(prefix, 'out'),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  children.push(prober)
  const shots = new Map<string, Shot>()
  createInterface({ input: prober.stdout! }).on('line', (line) => {
    const shot = JSON.parse(line) as Shot
    shots.set(shot.peer, shot)
  })
  const fail2ban = await startFail2ban(dir, router)
  children.push(fail2ban.process)
  await until('the reactor runs', 20_000, () => ready)
  await until(
    'fail2ban runs',
    30_000,
    () => existsSync(fail2ban.messages) && /Jail 'flows' started/.test(readFileSync(fail2ban.messages, 'utf8')),
  )

  const shoot = async (peer: string, log: string | null, limitMs: number): Promise<Shot> => {
    prober.stdin!.write(`${JSON.stringify({ peer, log, limitMs })}\n`)
    await until(`the answer about ${peer}`, limitMs + 5_000, () => shots.has(peer))
    return shots.get(peer)!
  }
  const ours: { total: number; batch: number; detect: number; ack: number; drop: number }[] = []
  const theirs: number[] = []
  let missed = 0
  for (let i = 0; i < REPETITIONS + WARM_UP; i++) {
    const peer = `198.51.100.${i + 1}`
    const shot = await shoot(peer, null, 1_000)
    await until(`the stamp of ${peer}`, 2_000, () => stamps.has(peer)).catch(() => {})
    const stamp = stamps.get(peer)
    if (shot.dropped === null || stamp === undefined) missed++
    else if (i >= WARM_UP)
      ours.push({
        total: ms(shot.dropped - shot.t0),
        batch: ms(stamp.batchAt - shot.t0),
        detect: ms(stamp.hitAt - stamp.batchAt),
        ack: ms(stamp.ackAt - stamp.hitAt),
        drop: ms(shot.dropped - stamp.ackAt),
      })
    if (i >= WARM_UP && i % FAIL2BAN_EVERY === 0) {
      const { dropped, t0 } = await shoot(`203.0.113.${i / FAIL2BAN_EVERY + 1}`, fail2ban.log, 5_000)
      if (dropped !== null) theirs.push(ms(dropped - t0))
    }
  }
  if (ours.length < 100 || theirs.length < 30)
    throw new Error(`only ${ours.length} reflexes and ${theirs.length} fail2ban bans were measured; see above`)
  const at = (p: number, pick: (one: (typeof ours)[number]) => number) => percentile(ours.map(pick), p)
  return {
    repetitions: ours.length,
    missed,
    p50_ms: at(50, (one) => one.total),
    p99_ms: at(99, (one) => one.total),
    event_to_batch_p50_ms: at(50, (one) => one.batch),
    event_to_batch_p99_ms: at(99, (one) => one.batch),
    detect_p50_ms: at(50, (one) => one.detect),
    netlink_ack_p50_ms: at(50, (one) => one.ack),
    netlink_ack_p99_ms: at(99, (one) => one.ack),
    ack_to_first_drop_p50_ms: at(50, (one) => one.drop),
    fail2ban_repetitions: theirs.length,
    fail2ban_p50_ms: percentile(theirs, 50),
    fail2ban_p99_ms: percentile(theirs, 99),
    times_fail2ban_p50: Math.round(percentile(theirs, 50) / at(50, (one) => one.total)),
    probe_interval_ms: 0.2,
  }
}

const ms = (ns: number) => Math.round(ns / 1_000) / 1_000
