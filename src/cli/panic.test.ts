/** The three commands of a host, as a person runs them, against an agent that is alive. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { startFakeServer } from '../../bench/kill/fake-server.ts'
import { makeRange, until } from '../../bench/kill/range.ts'
import { needRoot } from '../../test/need.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
/** Beside browsers and other installations; how fast it is others measure. */
const STARTS_WITHIN_MS = 60_000
const CONFIRMED_WITHIN_MS = 45_000
const OFF_WITHIN_MS = 30_000

function guise(...argv: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...argv], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr }),
    )
  })
}

test('verify tells what is worn, panic takes it all off and it stays off until lifted', {
  skip: needRoot(),
}, async () => {
  const range = await makeRange('p')
  const bare = await range.capture()
  const server = await startFakeServer(range.socket)
  const argv = [
    'agent',
    '--inventory',
    range.inventory,
    '--netns',
    range.router,
    '--server',
    `unix:${range.socket}`,
    '--mode',
    'enforce',
    '--home',
    range.home,
    '--id',
    'range',
  ]
  const agent = spawn(process.execPath, [MAIN, ...argv], { stdio: 'ignore' })
  const said = (n: number, state: string) =>
    server.last.applied?.generation.n === n && (server.last.applied.state as string) === state
  try {
    await until('the agent listens', STARTS_WITHIN_MS, () => server.connected)
    server.send({ type: 'state', state: range.state(1, 1) })
    await until('confirmed', CONFIRMED_WITHIN_MS, () => said(1, 'confirmed'))
    const worn = await guise('verify', '--home', range.home, '--json')
    assert.equal(worn.code, 0, worn.out)
    assert.equal(JSON.parse(worn.out).workloads.length, 3)

    const dressed = await range.capture()

    const panicked = await guise('panic', '--home', range.home)
    assert.match(panicked.out, /removed {2}table inet guise.*\nremoved {2}network facet of .*\nremoved {2}dns facet of/)
    // A look that was under way is followed at once by one that takes off what it put back.
    await until('nothing of ours', OFF_WITHIN_MS, async () => (await range.capture()) === bare)
    await until('and it says so', OFF_WITHIN_MS, () => said(1, 'refused'))
    server.send({ type: 'state', state: range.state(2, 0) })
    await until('refused', CONFIRMED_WITHIN_MS, () => said(2, 'refused'))
    assert.equal(await range.capture(), bare)

    // What a real server says to whoever connects: the generation it knows as confirmed, not the one that was refused.
    server.greeting = [{ type: 'state', state: range.state(1, 1) }]
    await guise('panic', '--lift', '--home', range.home)
    await until('the same is in force again', CONFIRMED_WITHIN_MS, () => said(1, 'confirmed'))
    assert.equal(await range.capture(), dressed)
    server.send({ type: 'state', state: range.state(3, 0) })
    await until('the next is', CONFIRMED_WITHIN_MS, () => said(3, 'confirmed'))
  } finally {
    agent.kill('SIGTERM')
    await until('the agent left', OFF_WITHIN_MS, () => agent.exitCode !== null || agent.signalCode !== null)
    await server.close()
    await range.remove()
  }
})

test('what could not be done is told with its cure, and ends with 1: an agent that cannot read the marker goes on', {
  skip: needRoot(),
}, async () => {
  const nowhere = [MAIN, 'panic', '--home', '/dev/null/guise']
  const inside = (...more: string[]) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      execFile('unshare', ['-n', process.execPath, ...nowhere, ...more], (error, out) =>
        resolve({ code: error === null ? 0 : Number(error.code), out }),
      )
    })
  const [told, json] = await Promise.all([inside(), inside('--json')])
  assert.equal(told.code, 1)
  assert.match(
    told.out,
    /^NOT removed {2}stop the agent.*no panic marker: .*\n(?:NOT removed.*\n)*Mend what is not removed, then/,
  )
  assert.equal(json.code, 1)
  assert.match(JSON.parse(json.out).unreachable[0], /no panic marker/)
})

test('a namespace that is not there is one sentence with its cure, and no second try', {
  skip: needRoot(),
}, async () => {
  const { code, out } = await guise('agent', '--inventory', '/dev/null', '--netns', 'guise-not-there')
  assert.equal(code, 78)
  assert.equal(
    out,
    'guise agent: there is no network namespace guise-not-there; ip netns list shows those there are.\n',
  )
})
