/** A name in a rule, in a kernel: nobody is reached before a trusted resolver answered, and only who it named is, after. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { Network, v4, within } from '../../bench/dispatch/network.ts'
import { needRoot } from '../../test/need.ts'
import { compileDelta } from '../compile/delta.ts'
import { compileAgent } from '../compile/nft.ts'
import { differences, readBack } from '../compile/parse.ts'
import { failSafePaths } from '../decide/fail-safe.ts'
import type { AgentState, RuleList } from '../model/desired.ts'

const skip = needRoot()
const FIXTURE = new URL('./names.fixture.ts', import.meta.url).pathname
let network: Network
const children: ChildProcess[] = []
before(async () => {
  if (skip === false) network = await Network.create('d')
})
after(async () => {
  if (skip !== false) return
  for (const child of children) child.kill('SIGKILL')
  await network.close()
})

/** Lines it said, and a wait for one of them. */
function start(namespace: string, ...argv: string[]) {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, FIXTURE, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines: string[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line))
  return { lines, said: (text: string) => within(8_000, async () => lines.includes(text)) }
}

const open: RuleList = { rules: [], otherwise: 'allow', why: { rule: 'open', text: '' } }
const wear = (i: number, egress: RuleList) => ({
  workload: `w${i}`,
  key: `w${i}`,
  persona: { id: 'p', name: 'P', version: 1 },
  egress,
  ingress: open,
  containment: null,
})
const only: RuleList = {
  rules: [
    {
      verdict: 'allow',
      match: {
        peer: { kind: 'set', set: 'domain-any:example.com:abcdef' },
        service: { protocol: 'tcp', from: 80, to: 80 },
      },
      why: { rule: 'names', text: '' },
    },
  ],
  otherwise: 'deny',
  why: { rule: 'default-deny', text: '' },
}

test('a name lets in whom a trusted resolver named, and nobody else', { skip }, async () => {
  const state: AgentState = {
    generation: { system: 'test', timeline: 1, n: 1 },
    plan: 'test',
    mode: 'enforce',
    confirmWithinMs: 60_000,
    workloads: [wear(1, only), wear(2, open), wear(3, open), wear(4, open)],
    sets: [
      {
        name: 'domain-any:example.com:abcdef',
        members: [],
        learned: { names: ['*.example.com'], resolvers: [v4(2)], use: 'allow' },
      },
    ],
    neverBlock: [],
    failSafe: failSafePaths([]),
  }
  const compiled = compileAgent(state, network.bindings)
  await network.nft(compileDelta(null, compiled, { pendingMs: null, now: 0 }))
  const [trusted, other, learner] = [
    start(network.namespaceOf(2), 'resolve', v4(3)),
    start(network.namespaceOf(4), 'resolve', v4(4)),
    start(network.router, 'learn', JSON.stringify(state)),
  ]
  for (const one of [trusted, other, learner]) assert.ok(await one.said('ready'))
  await network.serve(3, 'tcp', v4(3), 80)
  await network.serve(4, 'tcp', v4(4), 80)
  const reaches = async (i: number): Promise<boolean> => {
    const flow = await network.open(1, 'tcp', v4(i), 80)
    return within(2_500, async () => (await network.read(1, flow)).ready)
  }
  assert.equal(await reaches(3), false, 'nobody answered yet')
  assert.ok(await start(network.namespaceOf(1), 'ask', v4(4), 'www.example.com').said(v4(4)))
  assert.ok(await start(network.namespaceOf(1), 'ask', v4(2), 'www.example.net').said(v4(3)))
  assert.ok(await start(network.namespaceOf(1), 'ask', v4(2), 'www.example.com').said(v4(3)))
  assert.ok(await learner.said('heard www.example.com'))
  assert.equal(await reaches(3), true, 'its resolver named it')
  assert.equal(await reaches(4), false, 'only a resolver of its own choice named it')
  assert.deepEqual(
    learner.lines.filter((line) => line.startsWith('heard')),
    ['heard www.example.net', 'heard www.example.com'],
  )
  assert.deepEqual(differences(compiled, readBack(await network.list())!), [], 'what was learned is no foreign change')
})
