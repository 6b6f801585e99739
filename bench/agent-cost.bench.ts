/**
 * What an agent costs its host: cores and MiB of its processes (supervisor, worker, and whatever these start) over
 * `--minutes` (10) at `--rate` (1,000) real conversations a second between two namespaces it enforces for, in a namespace of
 * its own as root. All of them must have been counted and reported: an agent that loses flows is cheap.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { addressOf, namespaceOf } from '../lab/topology.ts'
import { compileAhead } from '../src/cli/compile-ahead.ts'
import type { AgentState } from '../src/model/desired.ts'
import { sumAt } from '../src/model/window.ts'
import type { AgentReport } from '../src/model/wire.ts'
import { type Cost, costsOf, cpuOf, memoryOf } from './agent-cost/processes.ts'
import { calibrate } from './ingest/range.ts'
import { startFakeServer } from './kill/fake-server.ts'
import { makeRange, type Range, until } from './kill/range.ts'
import { aim, report } from './report.ts'

const PORTS = 100
/** Modules are compiled, chains are there, the first windows are full. */
const SETTLED_MS = 30_000
const LOOK_MS = 1_000
const MOST_CORES = 0.15
const MOST_MIB = 150
const FLOWS = new URL('agent-cost/flows.ts', import.meta.url).pathname

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      minutes: { type: 'string', default: '10' },
      rate: { type: 'string', default: '1000' },
    },
  })
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)]
  if (!(minutes > 0) || !(rate > 0)) throw new Error('--minutes and --rate are numbers above zero')
  const calibrationMs = calibrate()
  const range = await makeRange('ac')
  const server = await startFakeServer(range.socket)
  // As `guise agent` does before it starts one.
  compileAhead()
  const agent = range.startAgent()
  const children: ChildProcess[] = []
  try {
    await until('the agent listens', 30_000, () => server.connected)
    server.send({ type: 'state', state: openState(range) })
    await until('its rules hold', 30_000, () => server.last.applied?.state === 'confirmed')
    shortTimeouts(range.router)
    const seen = countReports(server.reports)
    const asked = await converse(range, rate, children)
    process.stderr.write(`settling ${SETTLED_MS / 1_000} s, then ${minutes} min at ${rate} conversations a second\n`)
    await wait(SETTLED_MS)
    const figures = await measure(agent.pid!, minutes, seen, asked)
    const lost = server.last.counters['conntrack.lost'] ?? 0
    report(
      args,
      'agent-cost',
      { minutes, rate, ...figures, lost, calibration_ms: Math.round(calibrationMs) },
      {
        cores: aim(figures.cores, '<=', MOST_CORES),
        mib: aim(figures.mib, '<=', MOST_MIB),
        flows_per_second: aim(figures.flows_per_second, '>=', 0.98 * rate),
        lost: aim(lost, '==', 0),
      },
    )
  } finally {
    for (const child of children) child.kill('SIGKILL')
    agent.kill('SIGTERM')
    if (agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit')
    await server.close()
    await range.remove()
  }
}

/** Everybody may speak with everybody, so that the chains are there and nothing is refused. */
function openState(range: Range): AgentState {
  const open = { rules: [], otherwise: 'allow' as const, why: { rule: 'open', text: 'everything may' } }
  const { workloads, ...state } = range.state(1, 0)
  return {
    ...state,
    workloads: workloads.map(({ workload, key, persona }) => ({
      workload,
      key,
      persona,
      egress: open,
      ingress: open,
      containment: null,
    })),
  }
}

/** Of the range's own namespace: an entry is gone before its pair of ports comes again. */
function shortTimeouts(router: string): void {
  for (const name of ['nf_conntrack_udp_timeout', 'nf_conntrack_udp_timeout_stream'])
    execFileSync('ip', ['netns', 'exec', router, 'sysctl', '-qw', `net.netfilter.${name}=1`])
}

type Seen = { flows: number }

/** The server keeps the last reports alone: each is counted as it comes. */
function countReports(reports: AgentReport[]): Seen {
  const seen = { flows: 0 }
  const push = reports.push.bind(reports)
  reports.push = (...more) => {
    for (const { ticks } of more) for (const { sums } of ticks ?? []) seen.flows += sums[sumAt.flowsInitiated]!
    return push(...more)
  }
  return seen
}

type Asked = { asked: number; answered: number }

async function converse({ plan }: Range, rate: number, children: ChildProcess[]): Promise<Asked> {
  const told: Asked = { asked: 0, answered: 0 }
  const inside = async (i: number, ...argv: string[]): Promise<ChildProcess> => {
    const space = namespaceOf(plan.prefix, plan.workloads[i]!.name)
    const child = spawn('nsenter', [`--net=/run/netns/${space}`, process.execPath, FLOWS, ...argv], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    children.push(child)
    await once(child, 'message')
    return child
  }
  const [from, to] = [addressOf(0).v4, addressOf(1).v4]
  await inside(1, 'serve', to, String(PORTS))
  const asking = await inside(0, 'ask', from, to, String(PORTS), String(rate))
  asking.on('message', (said) => Object.assign(told, said))
  return told
}

async function measure(agent: number, minutes: number, seen: Seen, asked: Asked) {
  const [flows, answered, began] = [seen.flows, asked.answered, performance.now()]
  const first = costsOf(agent)
  let most = 0
  let last = first
  const end = began + minutes * 60_000
  while (performance.now() < end) {
    await wait(Math.min(LOOK_MS, end - performance.now()))
    last = costsOf(agent)
    most = Math.max(most, memoryOf(last))
  }
  const seconds = (performance.now() - began) / 1_000
  tell(last, first, seconds)
  return {
    cores: Number(((cpuOf(last) - cpuOf(first)) / seconds).toFixed(4)),
    mib: Math.round(most * 10) / 10,
    mib_now: Math.round(memoryOf(last) * 10) / 10,
    processes: last.length,
    flows_per_second: Math.round((seen.flows - flows) / seconds),
    answered_per_second: Math.round((asked.answered - answered) / seconds),
  }
}

function tell(last: readonly Cost[], first: readonly Cost[], seconds: number): void {
  for (const { pid, name, ownS, buriedS, privateMib, sharedMib } of last) {
    const before = first.find((one) => one.pid === pid) ?? { ownS: 0, buriedS: 0 }
    const cores = `${((ownS - before.ownS) / seconds).toFixed(4)} + ${((buriedS - before.buriedS) / seconds).toFixed(4)} of what it ran,`
    console.error(`${name.padEnd(24)} ${cores} ${privateMib.toFixed(1)} MiB of its own, ${sharedMib.toFixed(1)} shared`)
  }
}
