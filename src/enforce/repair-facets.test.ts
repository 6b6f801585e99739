import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { FacetPart } from './facet.ts'
import { createFacetRepair } from './repair-facets.ts'
import type { Inventory, Placed } from './snapshot.ts'

const placed = (key: string): Placed => {
  const place = { key, namespace: null, face: `v-${key}`, addresses: [], cgroup: null, root: null, monitor: null }
  return { place, state: 'as before us', original: 'as before us' }
}
const inventory = (...names: [key: string, face: string][]) =>
  ({ workloads: names.map(([key, face]) => ({ key, interface: face })), namespaces: new Map() }) as unknown as Inventory

test('what could not be taken off is taken off when it can be reached, and left alone where somebody else is now', async () => {
  const tried: string[] = []
  let isThere = false
  const part = {
    facet: 'network',
    onLink: () => true,
    async converge({ key }: { key: string }, state: unknown) {
      tried.push(`${key} ${String(state)}`)
      if (!isThere) throw new Error('nobody answers')
    },
  } as unknown as FacetPart
  const counters = { driftRepairs: 0, unreachable: 0 }
  const said: string[] = []
  const facets = createFacetRepair({ mode: () => 'off', counters, say: (line) => said.push(line) })
  for (const key of ['stays', 'went', 'moved']) facets.owe(part, placed(key))
  const here = inventory(['stays', 'v-stays'], ['moved', 'v-new'], ['new', 'v-went'])
  assert.equal(await facets.settled(here), false)
  assert.deepEqual(tried, [], 'it has just been tried')
  while (tried.length === 0) {
    await wait(50)
    assert.equal(await facets.settled(here), false)
  }
  assert.equal(counters.unreachable, 1)
  isThere = true
  while (!(await facets.settled(here))) await wait(50)
  assert.deepEqual(tried, ['stays as before us', 'stays as before us'])
  assert.deepEqual(said, ['network of stays is taken off as well'])
})
