/**
 * `npm run bench -- dispatch [--json] [--seed N]`: is the kernel's verdict the evaluator's? Compiles real states, loads
 * them into a router namespace, and judges by what arrives in the workloads' namespaces. Needs root.
 */
import { parseArgs } from 'node:util'
import { compileDelta } from '../src/compile/delta.ts'
import { compileAgent } from '../src/compile/nft.ts'
import { needRoot } from '../test/need.ts'
import { fleetState } from './dispatch/fleet.ts'
import { Network } from './dispatch/network.ts'
import { probeAll } from './dispatch/probes.ts'
import { shootRandom } from './dispatch/shoot.ts'
import { aim, report } from './report.ts'

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' }, seed: { type: 'string', default: '1' } },
  })
  const missing = needRoot()
  if (missing !== false) throw new Error(`dispatch ${missing}`)
  const network = await Network.create()
  try {
    const probes = await probeAll(network)
    for (const { name, ok } of probes) console.error(`${ok ? 'ok    ' : 'FAILED'} ${name}`)
    const shots = await shootRandom(network, Number(values.seed), 30, 50)
    for (const example of shots.examples) console.error(`MISMATCH ${example}`)
    const fleet = await loadFleet(network)
    const passed = probes.filter(({ ok }) => ok).length
    report(
      args,
      'dispatch',
      {
        probes: probes.length,
        passed,
        packets: shots.packets,
        mismatches: shots.mismatches,
        allowed_share: shots.allowed / shots.packets,
        ...fleet,
      },
      {
        failed_probes: aim(probes.length - passed, '==', 0),
        packets: aim(shots.packets, '>=', 1_000),
        mismatches: aim(shots.mismatches, '==', 0),
      },
    )
  } finally {
    await network.close()
  }
}

/** 5,000 workloads that wear 50 profiles: compile, load whole, and one shift between two of them. Includes nft's start. */
async function loadFleet(network: Network): Promise<Record<string, number>> {
  const { state, bindings, shifted } = fleetState(5_000, 50)
  const timed = async (work: () => unknown): Promise<number> => {
    const start = performance.now()
    await work()
    return Math.round((performance.now() - start) * 10) / 10
  }
  let [before, after] = [compileAgent(state, bindings.slice(0, 1)), compileAgent(state, bindings.slice(0, 1))]
  const compile_ms = await timed(() => {
    before = compileAgent(state, bindings)
  })
  const load_ms = await timed(() => network.nft(compileDelta(null, before, { pendingMs: null, now: 0 })))
  after = compileAgent(shifted, bindings)
  let text = ''
  const delta_ms = await timed(() => {
    text = compileDelta(before, after, { pendingMs: null, now: 0 })
  })
  const shift_ms = await timed(() => network.nft(text))
  return {
    fleet_workloads: bindings.length,
    compile_ms,
    load_ms,
    delta_ms,
    shift_ms,
    shift_lines: text.split('\n').length,
  }
}
