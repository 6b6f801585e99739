import assert from 'node:assert/strict'
import { test } from 'node:test'
import { driftOf, watchWindows } from '../learn/watch/watch.ts'
import type { AgentId, WorkloadId } from '../model/ids.ts'
import type { PlanRecord } from '../model/records.ts'
import type { SourceHealth } from '../model/source-health.ts'
import { createWindow, sumAt, WINDOW_MS } from '../model/window.ts'
import type { AgentReport } from '../model/wire.ts'
import { createFleet, liveOf } from './fleet.ts'
import { flowSourcesOf, forgetShifted, isUncut, noteContained } from './usual.ts'

const W = 'w' as WorkloadId

function known() {
  const fleet = createFleet()
  const live = liveOf(fleet, W, 'a' as AgentId, 'k', 'web1')
  for (let k = 1; k <= 40; k++) {
    const window = createWindow(W, k * WINDOW_MS, WINDOW_MS)
    window.sums[sumAt.ticks] = 6
    watchWindows(fleet.watch, [{ row: live.row, window }])
  }
  return { fleet, windows: () => driftOf(fleet.watch, live.row)!.windows }
}

const planOf = (state: PlanRecord['state'], from: string | null, to: string) =>
  ({
    state,
    plan: { steps: [{ workload: W, from: from === null ? null : { name: from }, to: { name: to } }] },
  }) as unknown as PlanRecord

test('who was shifted is new to the watch as soon as it wears the other persona, and again when that is undone', () => {
  for (const [state, from, to, windows] of [
    ['confirming', 'Database', 'Web User', 0],
    ['rolled-back', 'Database', 'Web User', 0],
    ['confirmed', null, 'Web User', 0],
    ['proposed', 'Database', 'Web User', 40],
    ['confirmed', 'Database', 'Database', 40],
  ] as const) {
    const { fleet, windows: kept } = known()
    forgetShifted(fleet, planOf(state, from, to))
    assert.equal(kept(), windows, `${state} ${from} ${to}`)
  }
})

test('who is contained is not compared with what is usual of it until that ends, or is lifted', () => {
  const { fleet } = known()
  const live = fleet.live.get(W)!
  const confirm = (containment: object | null, state: PlanRecord['state'] = 'confirmed') =>
    noteContained(fleet, {
      state,
      plan: {
        agents: {
          a: {
            workloads: [
              { workload: W, containment },
              { workload: 'w_other', containment },
            ],
          },
        },
      },
    } as unknown as PlanRecord)
  const looked = (start: number) => isUncut(live, { start })
  assert.ok(looked(0))
  confirm({ until: 900_000 }, 'confirming')
  assert.ok(looked(0))
  confirm({ until: 900_000 })
  assert.deepEqual([looked(0), looked(870_000), looked(900_000)], [false, false, true])
  confirm(null)
  assert.ok(looked(0))
})

test('the sources that count are those that tell of flows: failed ones do not, and nor do silent ones from afar', () => {
  const source = (name: string, kind: SourceHealth['kind'], state: SourceHealth['state']) => ({ name, kind, state })
  const said = (...sources: ReturnType<typeof source>[]) => flowSourcesOf({ sources } as unknown as AgentReport)
  assert.equal(flowSourcesOf({} as AgentReport), null)
  assert.equal(said(source('z', 'zeek', 'live'), source('conntrack', 'conntrack', 'silent')), 'conntrack\nz')
  assert.equal(said(source('z', 'zeek', 'silent'), source('conntrack', 'conntrack', 'failed')), '')
  assert.equal(said(source('neighbours', 'neighbours', 'live'), source('z', 'zeek', 'behind')), 'z')
})
