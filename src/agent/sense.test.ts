import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flowRows } from '../../test/flow-rows.ts'
import type { WorkloadReport } from '../model/wire.ts'
import { createSense } from './sense.ts'

const T = 1_700_000_000_000
const container = (key: string, address: string): WorkloadReport => ({
  key,
  name: key,
  kind: 'container',
  driver: 'container',
  interface: null,
  addresses: [`${address}/16`],
  labels: {},
})

test('a new container on the address of a scanner is no scanner, and one that comes back to its own still is', () => {
  for (const [next, subjects] of [
    ['fresh', []],
    ['scanner', ['scanner']],
  ] as const) {
    const sense = createSense({
      home: '/nonexistent',
      reflexAllowed: () => false,
      inForce: () => null,
      say: () => {},
      clock: () => T,
    })
    const set = (...workloads: WorkloadReport[]) => sense.setInventory({ workloads, namespaces: new Map() })
    const scan = (first: number) =>
      sense.take(
        flowRows(
          Array.from({ length: 9 }, (_, i) => ({
            at: T + i,
            from: '172.17.0.2',
            to: `10.0.0.${first + i}`,
            port: 22,
            state: 'S0' as const,
          })),
        ),
      )
    set(container('scanner', '172.17.0.2'))
    scan(1)
    set()
    set(container(next, '172.17.0.2'))
    scan(101)
    assert.deepEqual(
      sense.close(T + 5_000).evidence.map(({ key }) => key),
      subjects,
    )
  }
})
