/** Cut off from gateway, resolver and control plane, workloads come back by what is on their host alone; one in quarantine does not, whatever it breaks. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Host, makeHost } from '../../bench/self-restore/host.ts'
import { type Happening, round } from '../../bench/self-restore/rounds.ts'
import { sabotage } from '../../bench/self-restore/sabotage.ts'
import { needRoot } from '../../test/need.ts'

const skip = needRoot()
/** A busy machine needs some of it only to ask everybody. */
const WITHIN_MS = 60_000
let host: Host

before(async () => {
  if (skip !== false) return
  host = await makeHost('t', 2)
})
after(async () => {
  if (skip === false) await host.remove()
})

test('a boot in the middle of the very first persona: not even its files are left', { skip }, async () => {
  const restored = await round(host, 'reboot', WITHIN_MS)
  assert.deepEqual(
    restored.map(({ why }) => why),
    ['', ''],
  )
})

const happenings: readonly Happening[] = ['worker-and-supervisor-killed', 'reboot']
for (const happening of happenings)
  test(`${happening}: both workloads are back, exactly, within the timer`, { skip }, async (t) => {
    if (happening === happenings[0]) await host.wear('works')
    const restored = await round(host, happening, WITHIN_MS)
    t.diagnostic(`back after ${Math.round(restored[0]!.ms)} ms`)
    assert.deepEqual(
      restored.map(({ why }) => why),
      ['', ''],
    )
  })

test('a quarantined workload that breaks its own probes stays quarantined', { skip }, async () => {
  assert.deepEqual(await sabotage(host, 3_000), [])
})
