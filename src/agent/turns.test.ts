/** What the server says is acted on in order; nobody's downloads, and nobody's failure, stand before what comes next. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentState, DesiredState, Generation } from '../model/desired.ts'
import { createTurns } from './turns.ts'

const why = { rule: 'r', text: 'because' }
const list: DesiredState['egress'] = { rules: [], otherwise: 'deny', why }
const workload: DesiredState = {
  workload: 'w',
  key: 'a',
  persona: { id: 'p', name: 'p', version: 1 },
  egress: list,
  ingress: list,
  packages: ['hello'],
  containment: null,
}
const generationOf = (n: number): Generation => ({ system: 's', timeline: 1, n })
const stateOf = (n: number, rest: Partial<DesiredState> = {}): AgentState => ({
  generation: generationOf(n),
  plan: 'p',
  mode: 'enforce',
  confirmWithinMs: 60_000,
  workloads: [{ ...workload, ...rest }],
  sets: [],
  neverBlock: [],
  failSafe: [],
})
const contained = { directions: 'both', until: 5e12, why } as const

type Bring = (state: AgentState, overtaken: AbortSignal) => Promise<void>

/** An enforcer that seals at once, and a gate that lets everything in; `said`: what failed. */
function standOf(bring: Bring, commit: (n: number) => void = () => {}) {
  const did: string[] = []
  const said: string[] = []
  const entered: Promise<unknown>[] = []
  let inForce: AgentState | null = stateOf(1)
  const takeTurns = createTurns({
    bring,
    aheadMs: () => 0,
    gate: {
      admit: ({ state }) => state,
      fault: () => null,
      refuse: (of, { reason }) => void did.push(`refused ${of}: ${reason}`),
      enter: (_, act) => void entered.push(act().catch((error: Error) => said.push(error.message))),
    },
    enforcer: {
      applied: null,
      get inForce() {
        return inForce
      },
      async apply(state) {
        commit(state.generation.n)
        inForce = state
        did.push(`applied ${state.generation.n}`)
      },
      confirm: async ({ n }) => void did.push(`confirmed ${n}`),
      rollback: async ({ n }, why) => void did.push(`rolled back ${n}: ${why}`),
    },
  })
  return { takeTurns, did, said, settled: () => Promise.all(entered) }
}

test('a containment does not wait for packages that never come, of its own state or of one before it', async () => {
  const asked: number[] = []
  const hangs: Bring = ({ generation }, overtaken) => {
    asked.push(generation.n)
    return new Promise((resolve) => {
      if (overtaken.aborted) resolve()
      overtaken.addEventListener('abort', () => resolve())
    })
  }
  const { takeTurns, did, said, settled } = standOf(hangs, (n) => {
    if (n === 3) throw new Error('its packages are not ready')
  })
  takeTurns({ type: 'state', state: stateOf(2, { containment: contained }) })
  await settled()
  assert.deepEqual([did, asked], [['applied 2'], []])
  takeTurns({ type: 'state', state: stateOf(3, { packages: ['hello', 'cowsay'] }) })
  takeTurns({ type: 'state', state: stateOf(4, { containment: { ...contained, until: 6e12 } }) })
  await settled()
  assert.deepEqual([did, asked, said], [['applied 2', 'applied 4'], [3], ['its packages are not ready']])
})

test('one act that fails makes nobody deaf', async () => {
  const full = (n: number) => {
    if (n === 2) throw new Error('ENOSPC: no space left on device')
  }
  const { takeTurns, did, said, settled } = standOf(async ({ generation: { n } }) => {
    if (n === 3) throw new Error('the record could not be written')
  }, full)
  for (const n of [2, 3, 4]) takeTurns({ type: 'state', state: stateOf(n, { packages: [`one-${n}`] }) })
  takeTurns({ type: 'confirm', generation: generationOf(4) })
  takeTurns({ type: 'rollback', generation: generationOf(9), why: 'who?' })
  await settled()
  assert.deepEqual(said, ['ENOSPC: no space left on device', 'the record could not be written'])
  assert.deepEqual(did, [
    'applied 4',
    'confirmed 4',
    'refused rollback: generation 9 is not under way here, and was not',
  ])
})
