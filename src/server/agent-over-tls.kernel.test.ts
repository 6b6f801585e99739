/** Two hosts, each a namespace of its own, and a veth between them: the printed command enrols an agent, and a plan reaches a kernel. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { makeRange, type Range } from '../../bench/kill/range.ts'
import { feed, removeNamespace } from '../../lab/namespace.ts'
import { until } from '../../test/e2e/installation.ts'
import { needRoot } from '../../test/need.ts'
import type { PlanSummary } from '../model/plan-summary.ts'
import type { PlanRecord, WorkloadRecord } from '../model/records.ts'

const skip = needRoot()
const ROOT = new URL('../..', import.meta.url).pathname
const GUISE = [process.execPath, '--disable-warning=ExperimentalWarning', join(ROOT, 'src/cli/main.ts')]
const SERVER = '10.78.0.2'
const execute = promisify(execFile)

let range: Range
let elsewhere: string
let env: NodeJS.ProcessEnv
const children: ChildProcess[] = []
const said: string[] = []

function start(argv: readonly string[]): ChildProcess {
  const child = spawn(argv[0]!, argv.slice(1), { env, cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => said.push(text))
  children.push(child)
  return child
}

async function leave(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await until('it left', 15_000, async () => child.exitCode !== null || child.signalCode !== null)
}

/** A command typed on the server's host. */
async function guise<T>(...words: string[]): Promise<T> {
  const argv = ['netns', 'exec', elsewhere, ...GUISE, ...words, '--json']
  const { stdout } = await execute('ip', argv, { env, maxBuffer: 16 << 20 })
  return JSON.parse(stdout) as T
}

/** Over its socket: a file is reached from every network namespace. */
function health(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path: '/healthz', agent: false }, (answer) => resolve(answer.resume().statusCode)).on(
      'error',
      reject,
    )
  })
}

before(async () => {
  if (skip !== false) return
  range = await makeRange('s')
  elsewhere = `${range.plan.prefix}-sv`
  await feed('ip', ['-batch', '-'], [`netns add ${elsewhere}`])
  await feed(
    'ip',
    ['-n', range.router, '-batch', '-'],
    [`link add sv type veth peer name eth0 netns ${elsewhere}`, 'addr add 10.78.0.1/24 dev sv', 'link set sv up'],
  )
  await feed(
    'ip',
    ['-n', elsewhere, '-batch', '-'],
    ['link set lo up', `addr add ${SERVER}/24 dev eth0`, 'link set eth0 up'],
  )
  chmodSync(range.dir, 0o711)
  env = { ...process.env, GUISE_HOME: join(range.dir, 'data'), GUISE_TOKEN: '', GUISE_SERVER: 'http://127.0.0.1:7070' }
  start(['ip', 'netns', 'exec', elsewhere, ...GUISE, 'up', '--agent-listen', `${SERVER}:7443`])
  await until('the server is ready', 60_000, async () => (await health(join(range.dir, 'data/server.sock'))) === 200)
})
after(async () => {
  if (skip !== false) return
  for (const child of children.reverse()) if (child.exitCode === null) await leave(child)
  await removeNamespace(elsewhere)
  await range.remove()
})

test('the printed command enrols an agent on another host, and a plan is confirmed in its kernel', {
  skip,
}, async () => {
  const made = await guise<{ command: string; id: string }>(
    ...['token', 'create', '--role', 'agent', '--enrol', '--host', 'edge1'],
  )
  const [program, ...words] = made.command.split(' ')
  assert.equal(program, 'guise')
  assert.match(made.command, /^guise agent --server https:\/\/10\.78\.0\.2:7443 --ca-fingerprint sha256:[0-9a-f]{64} /)
  const place = ['--inventory', range.inventory, '--netns', range.router, '--mode', 'enforce', '--home', range.home]
  const agent = start([...GUISE, ...words, ...place])
  await until('what its workloads wear is confirmed', 60_000, async () => {
    const { items } = await guise<{ items: WorkloadRecord[] }>('get', 'workloads')
    if (items.length < 3 || items.some(({ worn }) => worn === null)) throw new Error(said.join(''))
    return true
  })
  const { items } = await guise<{ items: PlanSummary[] }>('get', 'plans')
  const confirmed = await guise<PlanRecord>(
    'describe',
    'plan',
    items.find(({ state }) => state === 'confirmed')!.plan.id,
  )
  assert.deepEqual(Object.keys(confirmed.plan.agents), ['edge1'])
  const paths = Object.values(confirmed.plan.agents)[0]!.failSafe
  assert.ok(
    paths.some(({ id, match }) => id === 'failsafe/control-0' && JSON.stringify(match).includes(`${SERVER}/32`)),
  )
  const inKernel = async () =>
    (await execute('ip', ['netns', 'exec', range.router, 'nft', 'list', 'table', 'inet', 'guise'])).stdout
  assert.match(await inKernel(), /"wa"/)

  await leave(agent)
  assert.match(await inKernel(), /"wa"/, 'what is confirmed stays while the agent is away')
  start([...GUISE, 'agent', '--server', words[words.indexOf('--server') + 1]!, ...place])
  const connectedAt = Date.now()
  await until('it is back without a flag', 30_000, async () => {
    const { items } = await guise<{ items: { id: string; lastReport: number }[] }>('get', 'agents')
    return items.length === 1 && items[0]!.id === 'edge1' && items[0]!.lastReport > connectedAt
  })
})

test('with another fingerprint it sends nothing, says so, and ends for good', { skip }, async () => {
  const made = await guise<{ command: string }>('token', 'create', '--role', 'agent', '--enrol', '--host', 'edge2')
  const wrong = made.command
    .replace(/sha256:[0-9a-f]{64}/, `sha256:${'0'.repeat(64)}`)
    .split(' ')
    .slice(1)
  const place = ['--netns', range.router, '--home', join(range.dir, 'other')]
  const refused = start([...GUISE, ...wrong, ...place])
  await until('it gives up', 30_000, async () => refused.exitCode !== null)
  assert.equal(refused.exitCode, 78)
  assert.match(said.join(''), /shows another CA .* Nothing was sent/)
})
