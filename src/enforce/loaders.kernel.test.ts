/** The whole agent with each way into the kernel: a generation confirmed, one taken back, and the report says which way. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { until } from '../../bench/kill/range.ts'
import { needRoot } from '../../test/need.ts'

const skip = needRoot()

for (const way of ['netlink', 'libnftables', 'program'] as const)
  describe(way, () => {
    // The agent that is started next has it from here.
    before(() => {
      process.env.GUISE_LOADER = way
    })
    const on = agentOnRange(way.slice(0, 2), skip)

    test('a generation is applied and confirmed; what nobody confirms is taken back', { skip }, async () => {
      await on.apply({ ...on.range.state(on.next(), 0), confirmWithinMs: 12_000 }, 'confirm', 'confirmed')
      const held = await on.range.capture()
      assert.match(on.nft('list', 'table', 'inet', 'guise'), /goto e_/)
      const loads = (by: string) => on.server.last.counters[`load.${by}`]
      await until('the report says which way', 30_000, () => (loads(way) ?? 0) >= 2)
      for (const other of ['netlink', 'libnftables', 'program'].filter((one) => one !== way))
        assert.equal(loads(other), 0, other)
      await on.apply({ ...on.range.state(on.next(), 1), confirmWithinMs: 5_000 }, 'nothing', 'rolled-back')
      assert.equal(await on.range.capture(), held)
    })
  })
