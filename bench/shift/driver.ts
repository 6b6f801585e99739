/**
 * Runs inside the router: the agent's own enforcer, with its journal on disk and the kernel beneath it, taking whole states
 * as the server sends them. What a server would answer (the probe, the confirmation) is given at once, so that what is
 * measured is the host's own part. Says when each step of a change was passed, in ms of CLOCK_MONOTONIC.
 */
import { subscribe } from 'node:diagnostics_channel'
import { readInventory } from '../../src/agent/inventory.ts'
import { createEnforcer, type Enforcer } from '../../src/enforce/enforcer.ts'
import type { FaultSite } from '../../src/enforce/fault.ts'
import { openJournal } from '../../src/enforce/journal.ts'
import type { AgentState } from '../../src/model/desired.ts'
import { answerLines } from '../child.ts'

export type DriverRequest =
  | { readonly op: 'start'; readonly inventory: string; readonly home: string }
  | { readonly op: 'shift'; readonly state: AgentState }
  | { readonly op: 'repair' }
/** `received`, then the steps that a change passed, `confirmed` last. */
export type Passed = Partial<Record<FaultSite | 'received' | 'confirm' | 'confirmed', number>>

const now = () => Number(process.hrtime.bigint()) / 1e6
let enforcer: Enforcer | null = null
let passed: Record<string, number> = {}
subscribe('guise:enforce:step', (site) => {
  passed[site as string] = now()
})

async function start({ inventory, home }: Extract<DriverRequest, { op: 'start' }>): Promise<void> {
  const found = readInventory(inventory, 'none', home)
  enforcer = createEnforcer({
    journal: openJournal(home),
    mode: () => 'enforce',
    follow: 'same-system',
    inventory: () => found,
    probeServer: async () => ({ name: 'server', ok: true, detail: 'answers' }),
    changed: () => {},
    reloaded: () => {},
    say: (line) => void process.stderr.write(`${line}\n`),
  })
  await enforcer.recover()
}

async function shift(state: AgentState): Promise<Passed> {
  passed = { received: now() }
  await enforcer!.apply(state)
  const { state: reached, why, probes } = enforcer!.applied!
  if (reached !== 'confirming')
    throw new Error(`generation ${state.generation.n} is ${reached}: ${why ?? JSON.stringify(probes)}`)
  passed.confirm = now()
  await enforcer!.confirm(state.generation)
  passed.confirmed = now()
  return passed
}

await answerLines<DriverRequest>((request) => {
  if (request.op === 'start') return start(request)
  return request.op === 'shift' ? shift(request.state) : enforcer!.repair()
})
