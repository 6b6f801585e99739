/** Rules that redirect, through the real agent: new flows go elsewhere, open ones stay, what is spared is left alone, drift is mended. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { test } from 'node:test'
import { agentOnRange } from '../../../bench/kill/agent-on-range.ts'
import { until } from '../../../bench/kill/range.ts'
import { namespaceOf } from '../../../lab/topology.ts'
import { needRoot } from '../../../test/need.ts'
import type { AgentState, DesiredState, RuleList } from '../../model/desired.ts'

const skip = needRoot()
const on = agentOnRange('rd', skip)
const open: RuleList = { rules: [], otherwise: 'allow', why: { rule: 'open', text: 'all may' } }

/** `wa` with these; what a rule of it denies is told as by the real compiler. */
function wearing(own: Partial<DesiredState>): AgentState {
  const state = on.range.state(on.next(), 0)
  const workloads = state.workloads.map(({ workload, key, persona, containment }, i) => ({
    ...{ workload, key, persona, egress: open, ingress: open, containment },
    ...(i === 0 ? own : {}),
  }))
  return { ...state, workloads, confirmWithinMs: 20_000 }
}

/** Says its own name to whoever connects, and again for each line. */
const TELLER = `const [name, port] = process.argv.slice(1)
require('node:net').createServer((s) => { s.on('error', () => {}); s.write(name + '\\n'); s.on('data', () => s.write(name + '\\n')) }).listen(Number(port), '::', () => console.log('up'))`
const ASKER = `const s = require('node:net').connect(Number(process.argv[2]), process.argv[1])
s.setTimeout(3000, () => { console.log('silence'); process.exit(1) }); s.on('data', (d) => { process.stdout.write(d); s.setTimeout(0) }).on('error', (e) => { console.log(e.code); process.exit(1) }); process.stdin.on('data', () => s.write('?'))`

type Flow = NonNullable<DesiredState['redirects']>['flows'][number]
const flow = (more: Partial<Flow>): Flow => ({
  ...{ rule: 'p/0', cidr: '0.0.0.0/0', except: [], protocol: 'tcp', from: 7_200, to: 7_209 },
  ...{ address: '10.77.2.2', port: 7_300 },
  ...more,
})

test('new flows are led away, open ones and what is spared stay; it comes off whole', { skip }, async () => {
  const started: ChildProcess[] = []
  const program = (name: string, code: string, ...args: string[]) => {
    const inside = `--net=/run/netns/${namespaceOf(on.range.plan.prefix, name)}`
    const child = spawn('nsenter', [inside, process.execPath, '-e', code, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    started.push(child)
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    return { child, heard: () => text.trim().split('\n') }
  }
  const answers = async (address: string, port: number) => {
    const asker = program('wa', ASKER, address, String(port))
    await until(`an answer of ${address} ${port}`, 15_000, () => asker.heard()[0] !== '')
    return asker.heard()[0]
  }
  try {
    for (const [name, port] of [
      ['wc', 7_200],
      ['wc', 7_201],
      ['wb', 7_300],
    ] as const) {
      const teller = program(name, TELLER, name, String(port))
      await until(`${name} ${port} is up`, 15_000, () => teller.heard()[0] === 'up')
    }
    await on.apply(wearing({}), 'confirm', 'confirmed')
    const bare = await on.range.capture()
    const live = program('wa', ASKER, '10.77.3.2', '7200')
    await until('it is answered', 15_000, () => live.heard()[0] === 'wc')

    const redirects = {
      flows: [flow({}), flow({ cidr: '::/0', address: 'fd77:0:2::2' })],
      spared: [{ cidr: '10.77.3.2', port: 7_201 }],
    }
    await on.apply(wearing({ redirects }), 'confirm', 'confirmed')
    const held = await on.range.capture()
    assert.equal(await answers('10.77.3.2', 7_200), 'wb')
    assert.equal(await answers('fd77:0:3::2', 7_200), 'wb')
    assert.equal(await answers('203.0.113.80', 7_205), 'wb', 'whoever it asked for')
    assert.equal(await answers('10.77.3.2', 7_201), 'wc', 'spared')
    live.child.stdin.write('?')
    await until('what was open goes on where it was', 10_000, () => live.heard().join() === 'wc,wc')

    for (const act of [
      ['flush', 'chain', 'inet', 'guise_redirect', 'prerouting'],
      ['flush', 'chain', 'inet', 'guise_redirect', 'r_wa'],
      ['delete', 'table', 'inet', 'guise_redirect'],
    ]) {
      on.nft(...act)
      await until(`mended after ${act.join(' ')}`, 30_000, async () => (await on.range.capture()) === held)
    }

    // The filter judges what was asked for: what a rule denies is not let through by being led elsewhere.
    const egress: RuleList = {
      ...open,
      rules: [
        {
          verdict: 'deny',
          match: { peer: { kind: 'cidr', cidr: '203.0.113.0/24' }, service: null },
          why: { rule: 'no', text: 'no' },
        },
      ],
    }
    await on.apply(wearing({ redirects, egress }), 'confirm', 'confirmed')
    assert.equal(await answers('203.0.113.80', 7_205), 'silence')

    await on.apply({ ...wearing({}), confirmWithinMs: 1_500 }, 'nothing', 'rolled-back')
    assert.equal(await answers('10.77.3.2', 7_200), 'wb', 'nobody confirmed that it goes')
    await on.apply(wearing({}), 'confirm', 'confirmed')
    assert.equal(await answers('10.77.3.2', 7_200), 'wc')
    assert.equal(await on.range.capture(), bare)
  } finally {
    for (const child of started) child.kill('SIGKILL')
  }
})
