/**
 * One host of the bench: its network, the real agent under a harness that starts it again as its unit would, the least
 * server there can be, and its boots. `capture` is the whole kernel state and every resolver file, as comparable text.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentConfig } from '../../src/agent.ts'
import { supervisorArgv } from '../../src/cli/supervisor-argv.ts'
import type { AgentState } from '../../src/model/desired.ts'
import type { WorkloadReport } from '../../src/model/wire.ts'
import { type FakeServer, startFakeServer } from '../kill/fake-server.ts'
import { captureAll, childrenOf, until, workerOf } from '../kill/range.ts'
import { type Boot, boot } from './boot.ts'
import {
  addressesOf,
  attach,
  BEYOND,
  loseNamespaces,
  makeRouter,
  type Network,
  networkOf,
  removeNetwork,
} from './network.ts'
import { type Persona, stateOf } from './states.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'] as const
/** `RestartSec` of guise-agent.service. */
const RESTART_MS = 1_000

export type Host = {
  readonly network: Network
  readonly home: string
  /** null = the control plane is off. */
  readonly server: FakeServer | null
  readonly agent: ChildProcess
  serverOn(): Promise<FakeServer>
  serverOff(): Promise<void>
  /** The next generation. */
  state(persona: Persona, withinMs: number): AgentState
  /** Sent and confirmed. */
  wear(persona: Persona): Promise<void>
  kill(whom: 'worker' | 'worker-and-supervisor'): Promise<void>
  /** The power goes, and comes back: nothing but the disk is left, and the agent comes up without a server. When it came back. */
  reboot(): Promise<number>
  capture(): Promise<string>
  remove(): Promise<void>
}

export async function makeHost(tag: string, workloads: number): Promise<Host> {
  const network = networkOf(`guise${tag}${process.pid.toString(36)}`.slice(0, 11), workloads)
  const dir = mkdtempSync(join(tmpdir(), 'guise-self-restore-'))
  const [home, socket] = [join(dir, 'home'), join(dir, 'server.sock')]
  const inventory = writeInventory(dir, network)
  let n = 0
  let server: FakeServer | null = null
  let now: Boot = await boot(dir)
  let agent: ChildProcess | null = null
  let beyond: ChildProcess | null = null
  /** As systemd does, until told otherwise. */
  let keep = true

  const startAgent = () => {
    const config: AgentConfig = {
      ...{ inventory, server: `unix:${socket}`, caFingerprint: null, mode: 'enforce', home, id: 'host' },
      ...{ hostDriver: 'none', follow: 'same-system', sources: [] },
    }
    const argv = supervisorArgv(config, { longestPauseMs: 100 })
    const whole = now.inside(network.router, argv)
    const child = spawn(whole[0]!, whole.slice(1), {
      stdio: ['ignore', 'ignore', process.env.GUISE_RANGE_LOG === '1' ? 'inherit' : 'ignore'],
    })
    agent = child
    child.once('exit', () => {
      if (keep && agent === child) setTimeout(() => keep && startAgent(), RESTART_MS)
    })
  }
  const startBeyond = async () => {
    const argv = [`--net=/run/netns/${network.beyond}`, ...NODE, join(ROOT, 'bench/self-restore/beyond.ts'), BEYOND]
    beyond = spawn('nsenter', argv, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    await once(beyond, 'message')
  }
  const end = async (child: ChildProcess | null) => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const stopAgent = async () => {
    keep = false
    await endAgent(agent)
  }
  const host: Host = {
    network,
    home,
    get server() {
      return server
    },
    get agent() {
      return agent!
    },
    async serverOn() {
      server ??= await startFakeServer(socket)
      const on = server
      await until('the agent listens', 60_000, () => on.connected)
      return on
    },
    async serverOff() {
      await server?.close()
      server = null
    },
    state: (persona, withinMs) => stateOf(network.spots, { n: ++n, persona, withinMs }),
    async wear(persona) {
      const on = await host.serverOn()
      on.whenConfirming = 'confirm'
      const state = host.state(persona, 120_000)
      on.send({ type: 'state', state })
      await until(`generation ${state.generation.n} is confirmed`, 90_000, () => {
        const { applied } = on.last
        return applied?.generation.n === state.generation.n && (applied.state as string) === 'confirmed'
      })
    },
    async kill(whom) {
      const [worker, supervisor] = [workerOf(agent!), agent!]
      // The supervisor first: it would take the change back at once.
      if (whom === 'worker-and-supervisor') supervisor.kill('SIGKILL')
      if (worker !== null) process.kill(worker, 'SIGKILL')
      if (whom === 'worker-and-supervisor' && supervisor.signalCode === null) await once(supervisor, 'exit')
    },
    async reboot() {
      await stopAgent()
      await end(beyond)
      await now.end()
      await loseNamespaces(network)
      now = await boot(dir)
      const powered = performance.now()
      await makeRouter(network)
      const base = now.inside(network.router, [...NODE, join(ROOT, 'src/cli/main.ts'), 'agent', 'restore-base'])
      execFileSync(base[0]!, [...base.slice(1), '--netns', network.router, '--home', home], { stdio: 'pipe' })
      await startBeyond()
      const [late, ...early] = network.spots
      for (const spot of early) await attach(network, spot)
      keep = true
      startAgent()
      await until('a worker', 30_000, () => workerOf(agent!) !== null)
      // Not every workload is there before its agent.
      await attach(network, late!)
      return powered
    },
    async capture() {
      const keys = network.spots.map(({ key }) => key)
      // Interfaces are listed in the order in which they came.
      return (await captureAll(network.router, keys, [])).split('\n--\n').sort().join('\n--\n')
    },
    async remove() {
      await stopAgent()
      await end(beyond)
      await host.serverOff()
      await now.end()
      await removeNetwork(network)
      rmSync(dir, { recursive: true, force: true })
    },
  }
  try {
    await makeRouter(network)
    for (const spot of network.spots) await attach(network, spot)
    await startBeyond()
    server = await startFakeServer(socket)
    startAgent()
    await host.serverOn()
  } catch (error) {
    await host.remove()
    throw error
  }
  return host
}

/** Worker and supervisor, and whoever the worker started: it leads a group of its own. */
async function endAgent(agent: ChildProcess | null): Promise<void> {
  if (agent === null || agent.exitCode !== null || agent.signalCode !== null) return
  const pids = childrenOf(agent.pid!)
  agent.kill('SIGKILL')
  await once(agent, 'exit')
  for (const pid of pids)
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {}
  await until('the worker is gone', 5_000, () => pids.every(isGone))
}

function isGone(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return true
  }
}

function writeInventory(dir: string, { spots }: Network): string {
  const path = join(dir, 'inventory.json')
  const reports = spots.map(
    ({ key, face, n }): WorkloadReport => ({
      key,
      name: face,
      kind: 'namespace' as WorkloadReport['kind'],
      driver: 'netns',
      interface: face,
      addresses: addressesOf(n).map((address) => address.split('/')[0]!),
      labels: {},
    }),
  )
  writeFileSync(path, JSON.stringify(reports))
  writeFileSync(
    join(dir, 'namespaces.json'),
    JSON.stringify(Object.fromEntries(spots.map(({ key }) => [key, `/run/netns/${key}`]))),
  )
  return path
}
