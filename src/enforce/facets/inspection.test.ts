/** What a journal of an earlier release says of copies means the same today. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Place } from '../facet.ts'
import { type InspectionState, inspection } from './inspection.ts'

const PLACE: Place = {
  ...{ key: 'wa', namespace: null, face: 'wa', addresses: [], cgroup: null, root: null, monitor: null },
}
const rest = { clsact: false, odd: null }
const completed = async (mirror: unknown) =>
  (await inspection.complete!(PLACE, { mirror, ...rest } as InspectionState)).mirror

test('a level that was kept by its name is a program each way; what is one already stays as it is', async () => {
  assert.equal(await completed(null), null)
  const programs = { ingress: '1,6 0 0 4294967295', egress: '1,6 0 0 4294967295' }
  assert.deepEqual(await completed({ sensor: 's', programs }), { sensor: 's', programs })
  assert.deepEqual(await completed({ level: 'signatures', sensor: 's' }), { sensor: 's', programs })
  assert.deepEqual(await completed({ level: 'none', sensor: 's', programs }), { sensor: 's', programs })
  const flows = await completed({ level: 'flows', sensor: 's' })
  assert.match(flows!.programs.ingress ?? '', /^\d{2},/)
  assert.equal(flows!.programs.ingress, flows!.programs.egress)
})
