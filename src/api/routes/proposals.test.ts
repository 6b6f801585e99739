/** Proposals through the API: who may, what accepting writes, and that a name that is taken is not written over. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiFixture, type Fixture, knowWorkload, reportOf } from '../../../test/api.ts'
import { auditBy, MAIN, personaManifest } from '../../../test/records.ts'
import { ALIKE } from '../../learn/discover/edit.ts'
import type { WorkloadId } from '../../model/ids.ts'
import type { ProposalRecord } from '../../model/proposal.ts'

let f: Fixture
let workload: WorkloadId
before(async () => {
  f = await apiFixture()
  workload = await knowWorkload(f, reportOf('m1'))
})
after(() => f[Symbol.asyncDispose]())

async function propose(id: string, name: string): Promise<void> {
  const record: ProposalRecord = {
    ...{ id, name, state: 'open', description: 'One workload that no persona explains.', because: [], nearest: [] },
    workloads: [workload],
    rules: [
      {
        rule: {
          action: 'allow',
          direction: 'egress',
          peers: [{ persona: ALIKE }],
          ports: [{ protocol: 'tcp', port: 25 }],
        },
        ...{ workloads: 1, of: 1, flowShare: 1 },
      },
    ],
    ...{ leftOut: [], clusters: [], isHeld: false, became: null, createdAt: 1, updatedAt: 1, version: 0 },
  }
  assert.ok((await f.store.proposals.change(MAIN, [record], [], auditBy('guise'))).ok)
}
const post = (role: 'operator' | 'viewer', url: string, payload: object) => f.as(role, { method: 'POST', url, payload })

const despite = { do: 'accept', despite: 'unseen-traffic' }

test('listed by state, shown with names and the persona it would be', async () => {
  await propose('pr_1', 'Mail Relay')
  assert.equal((await f.as('viewer', '/v1/proposals?state=open')).json().items.length, 1)
  assert.equal((await f.as('viewer', '/v1/proposals?state=rejected')).json().items.length, 0)
  const shown = (await f.as('viewer', '/v1/proposals/pr_1')).json()
  assert.equal(shown.names[workload], 'm1')
  assert.deepEqual(shown.manifest.spec.profile.rules[0].peers, [{ persona: 'Mail Relay' }])
  assert.equal((await f.as('viewer', '/v1/proposals/pr_9')).statusCode, 404)
  assert.deepEqual((await f.as('viewer', '/v1/persona-map')).json().workloads, [])
})

test('accepting writes a persona that nobody wears, then says so to the loop', async () => {
  assert.equal((await post('viewer', '/v1/proposals/pr_1', { do: 'accept' })).statusCode, 403)
  const early = await post('operator', '/v1/proposals/pr_1', { do: 'accept' })
  assert.deepEqual([early.statusCode, early.json().code], [409, 'unseen-traffic'])
  assert.match(early.json().detail, /no traffic seen yet/)
  assert.equal((await f.as('viewer', '/v1/proposals/pr_1/gate')).json().verdict, 'wait')
  assert.equal((await f.as('viewer', '/v1/personas/mail-relay')).statusCode, 404)
  await post('operator', '/v1/proposals/pr_1', despite)
  assert.deepEqual(f.asked.findLast(({ what }) => what === 'changeProposal')?.detail, {
    tenant: MAIN,
    proposal: 'pr_1',
    act: { do: 'accept', persona: 'mail-relay' },
    by: f.asked.findLast(({ what }) => what === 'changeProposal')!.detail!['by' as never],
  })
  const written = (await f.as('viewer', '/v1/personas/mail-relay')).json()
  assert.equal(written.manifest.spec.profile.default.ingress, 'deny')
  assert.equal((await f.store.workloads.get(MAIN, workload))?.assigned, null)
  // Said again after nobody answered: the same persona, not another.
  await post('operator', '/v1/proposals/pr_1', despite)
  assert.equal((await f.as('viewer', '/v1/personas/mail-relay')).json().version, 1)
})

test('a persona that somebody wrote is not written over', async () => {
  await propose('pr_2', 'Printer')
  await f.store.manifests.apply(MAIN, [{ manifest: personaManifest('Printer', 'mine'), ifVersion: 0 }], auditBy('ann'))
  const answer = await post('operator', '/v1/proposals/pr_2', { do: 'accept' })
  assert.deepEqual([answer.statusCode, answer.json().code], [409, 'exists'])
})

test('words that are none are refused', async () => {
  for (const body of [{ do: 'burn' }, { do: 'merge' }, { do: 'split', workloads: [] }, { do: 'rename', name: '' }])
    assert.equal((await post('operator', '/v1/proposals/pr_2', body)).statusCode, 400, JSON.stringify(body))
})

test('feedback names a workload and a persona that there are', async () => {
  const say = (id: string, persona: string) => post('operator', `/v1/workloads/${id}/feedback`, { persona })
  assert.equal((await say(workload, 'Printer')).json().persona, 'Printer')
  assert.equal((await say(workload, 'Nobody Wrote This')).statusCode, 404)
  assert.equal((await say('w_none', 'Printer')).statusCode, 404)
})
