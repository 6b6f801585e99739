/** Real packets against the slow evaluator: what arrived must be what `evaluate` allows, packet by packet. */
import { compileDelta, confirmDelta } from '../../src/compile/delta.ts'
import { evaluate } from '../../src/compile/evaluate.ts'
import { type Compiled, compileAgent } from '../../src/compile/nft.ts'
import { seeded } from '../seeded.ts'
import { COUNT, type Network, within } from './network.ts'
import { randomShot, randomState, type Shot } from './random.ts'

export type ShotResult = { packets: number; mismatches: number; allowed: number; examples: string[] }

/** Walks through `states` random states, alternating direct and pending-then-confirmed changes. */
export async function shootRandom(
  network: Network,
  seed: number,
  states: number,
  each: number,
  load: (text: string) => Promise<unknown> = (text) => network.nft(text),
): Promise<ShotResult> {
  const random = seeded(seed)
  const result: ShotResult = { packets: 0, mismatches: 0, allowed: 0, examples: [] }
  let before: Compiled | null = null
  let id = 1_000
  for (let n = 0; n < states; n++) {
    const state = randomState(random, n)
    const after = compileAgent(state, network.bindings)
    const now = Date.now()
    if (n % 2 === 0) await load(compileDelta(before, after, { pendingMs: null, now }))
    else {
      await load(compileDelta(before, after, { pendingMs: 60_000, now }))
      await load(confirmDelta(before, after, now))
    }
    before = after
    const shots = Array.from({ length: each }, () => randomShot(random, id++))
    const expected = shots.map((shot) => evaluate(state, network.bindings, shot.packet, { now, reflexes: [] }))
    const arrived = await fire(network, shots, (i) => expected[i]!.verdict === 'allow')
    for (const [i, shot] of shots.entries()) {
      const verdict = arrived(shot) ? 'allow' : 'deny'
      result.packets++
      if (verdict === 'allow') result.allowed++
      if (verdict === expected[i]!.verdict) continue
      result.mismatches++
      const { flow } = shot.packet
      result.examples.push(
        `state ${n} seed ${seed}: ${flow.from} → ${flow.to} ${flow.protocol} ${flow.port} from w${shot.from}: kernel ${verdict}, evaluator ${expected[i]!.verdict} (${expected[i]!.why.rule})`,
      )
    }
  }
  return result
}

/** Sends all shots; waits until what should arrive has, or a bound. Later arrivals of what should not still count: read last. */
export async function fire(
  network: Network,
  shots: readonly Shot[],
  awaited: (i: number) => boolean,
): Promise<(shot: Shot) => boolean> {
  for (let from = 1; from <= COUNT; from++)
    await network.send(
      from,
      shots.filter((shot) => shot.from === from).map(({ crafted }) => crafted),
    )
  let seen: Set<string>[] = []
  const arrived = (shot: Shot) => seen[shot.to - 1]?.has(shot.crafted.receipt) ?? false
  await within(1_500, async () => {
    seen = await Promise.all(Array.from({ length: COUNT }, (_, i) => network.receipts(i + 1)))
    return shots.every((shot, i) => !awaited(i) || arrived(shot))
  })
  return arrived
}
