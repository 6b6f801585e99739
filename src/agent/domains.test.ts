/** Which domains of libvirt's are workloads of this agent, and what is told of them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Domain } from '../enforce/drivers/libvirt/domain.ts'
import type { WorkloadReport } from '../model/wire.ts'
import { foundDomains, here, leftLinks } from './domains.ts'

const UUID = '00000000-0000-4000-8000-00000000feed'
const home = mkdtempSync(join(tmpdir(), 'guise-domains-'))
after(() => rmSync(home, { recursive: true, force: true }))

const domain = (rest: Partial<Domain> = {}): Domain => ({
  ...{ uuid: UUID, name: 'web', id: 3, memoryMb: 128, cpus: 1, agent: true, disks: 0, addresses: ['10.78.5.2'] },
  link: { name: 'gweb', bridged: false },
  ...rest,
})
const ours = new Map([['gweb', { bridged: false }]])

test('one that runs with a link of ours is a workload, one on a bridge is watched, others are none of ours', () => {
  const report = here(domain(), ours, undefined)
  assert.deepEqual(report, {
    ...{ key: `libvirt:${UUID}`, name: 'web', kind: 'vm', driver: 'libvirt', interface: 'gweb' },
    ...{ addresses: ['10.78.5.2'], labels: {} },
  })
  const watched = { driver: 'recording', interface: null }
  assert.partialDeepStrictEqual(here(domain(), new Map([['gweb', { bridged: true }]]), undefined), watched)
  assert.partialDeepStrictEqual(here(domain({ link: { name: 'gweb', bridged: true } }), ours, undefined), watched)
  assert.equal(here(domain(), new Map(), report ?? undefined), null, 'its link is in another namespace')
  assert.equal(here(domain({ link: null }), ours, undefined), null)
})

test('one that stands stays what it was when it ran, under the name it has now', () => {
  const before = here(domain(), ours, undefined)!
  const stands = domain({ id: null, link: null, name: 'web-2' })
  assert.deepEqual(here(stands, new Map(), before), { ...before, name: 'web-2' })
  assert.equal(here(stands, new Map(), undefined), null)
})

test('a lease goes with the link of a domain that stands or is gone, and stays with whoever has the link', () => {
  const web = here(domain(), ours, undefined)!
  const known = (...all: WorkloadReport[]) => new Map(all.map((one) => [one.key, one]))
  assert.deepEqual(leftLinks(known(web), known(web), ours), [], 'it runs')
  assert.deepEqual(leftLinks(known(web), known(web), new Map()), ['gweb'], 'it stands: libvirt took its link along')
  assert.deepEqual(leftLinks(known(web), known(), ours), ['gweb'], 'libvirt forgot it, and the link is there still')
  assert.deepEqual(leftLinks(known(web), known({ ...web, key: 'other' }), ours), [], 'another one has it now')
  assert.deepEqual(leftLinks(known({ ...web, interface: null }), known(), new Map()), [], 'on somebody’s bridge')
})

test('what the inventory names by key or by link is not told twice, and a torn file names nothing', () => {
  const report = here(domain(), ours, undefined)!
  writeFileSync(join(home, 'domains.json'), JSON.stringify({ [UUID]: report }))
  const named = (rest: Partial<WorkloadReport>): WorkloadReport[] => [
    { ...report, key: 'other', interface: 'x', ...rest },
  ]
  assert.deepEqual(foundDomains(home, named({})), [report])
  assert.deepEqual(foundDomains(home, named({ key: report.key })), [])
  assert.deepEqual(foundDomains(home, named({ interface: 'gweb' })), [])
  writeFileSync(join(home, 'domains.json'), '{"')
  assert.deepEqual(foundDomains(home, []), [])
})
