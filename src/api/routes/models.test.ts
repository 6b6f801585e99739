/** Models through the API: who may, what is refused and where, and that the word goes to the loop. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiFixture, type Fixture } from '../../../test/api.ts'
import { auditBy, MAIN } from '../../../test/records.ts'
import { SHIPPED_MODEL } from '../../learn/model.ts'
import { modelId } from '../../learn/model-file.ts'
import type { Role } from '../../model/records.ts'
import { MODEL_LIMIT } from '../body.ts'

let f: Fixture
before(async () => {
  f = await apiFixture()
})
after(() => f[Symbol.asyncDispose]())

const post = (role: Role, url: string, payload: object | string) =>
  f.as(role, { method: 'POST', url, payload, headers: { 'content-type': 'application/json' } })
const mine = { ...SHIPPED_MODEL, id: 'mine-1' }
const id = modelId(mine)

test('an approver adds a file; what is damaged is told by its place and cure, and nothing is kept', async () => {
  assert.equal((await post('operator', '/v1/models', mine)).statusCode, 403)
  const damaged = await post('approver', '/v1/models', { ...mine, temperature: -1 })
  assert.deepEqual([damaged.statusCode, damaged.json().code], [422, 'model-damaged'])
  assert.deepEqual(damaged.json().errors[0].pointer, '/temperature')
  assert.match(damaged.json().cure, /Train it again/)
  const old = await post('approver', '/v1/models', { ...mine, features: 'features/1' })
  assert.deepEqual([old.statusCode, old.json().code], [422, 'model-features'])
  const large = await post('approver', '/v1/models', JSON.stringify({ pad: 'x'.repeat(MODEL_LIMIT) }))
  assert.deepEqual([large.statusCode, large.json().code], [413, 'body-too-large'])
  assert.equal((await f.as('viewer', '/v1/models')).json().items.length, 0)

  const added = await post('approver', '/v1/models', mine)
  assert.deepEqual([added.statusCode, added.json().id, added.json().addedBy], [201, id, 'approver'])
  assert.equal((await post('admin', '/v1/models', { ...mine })).json().code, 'exists')
})

test('listed with what is in force, shown with what it is worth and would change', async () => {
  const line = { model: id, act: 'promoted', by: 'ann', at: 1, why: 'a try', back: null } as const
  assert.ok((await f.store.models.promote(MAIN, { n: 1, ...line }, auditBy('ann'))).ok)
  assert.deepEqual(await f.store.models.promote(MAIN, { n: 1, ...line }, auditBy('ann')), {
    ok: false,
    code: 'conflict',
  })
  const none = await f.store.models.promote(MAIN, { n: 2, ...line, model: 'm_none' }, auditBy('ann'))
  assert.deepEqual(none, { ok: false, code: 'missing' })
  const list = (await f.as('viewer', '/v1/models')).json()
  assert.deepEqual([list.inForce, list.waiting, list.history.length], [id, null, 1])
  const other = { ...mine, id: 'mine-2' }
  await post('approver', '/v1/models', other)
  const shown = (await f.as('viewer', `/v1/models/${modelId(other)}`)).json()
  assert.deepEqual([shown.isInForce, shown.inForce.id, shown.shadow.wouldChange], [false, id, 0])
  assert.equal(shown.model.provenance.metrics.confusion.length, 8)
  assert.equal((await f.as('viewer', `/v1/models/${id}`)).json().shadow, null)
  assert.equal((await f.as('viewer', '/v1/models/m_none')).statusCode, 404)
})

test('promoting and rolling back are an approver’s, and are asked of the loop with their reason', async () => {
  const last = () => f.asked.at(-1)
  assert.equal((await post('operator', `/v1/models/${id}/promote`, {})).statusCode, 403)
  assert.equal((await post('viewer', '/v1/models/rollback', {})).statusCode, 403)
  await post('approver', `/v1/models/${id}/promote`, { why: 'better' })
  assert.deepEqual(last(), { what: 'promoteModel', detail: { tenant: MAIN, model: id, by: 'approver', why: 'better' } })
  const refusal = await post('approver', '/v1/models/rollback', {})
  assert.deepEqual(last(), { what: 'rollbackModel', detail: { tenant: MAIN, by: 'approver', why: '' } })
  assert.equal(refusal.statusCode, 409)
  assert.equal((await post('approver', '/v1/models/rollback', { why: 'x'.repeat(501) })).statusCode, 400)
})

test('one that was never in force is removed; what the history needs stays', async () => {
  const remove = (role: Role, one: string) => f.as(role, { method: 'DELETE', url: `/v1/models/${one}` })
  const other = modelId({ ...mine, id: 'mine-2' })
  assert.equal((await remove('operator', other)).statusCode, 403)
  assert.equal((await remove('approver', other)).statusCode, 204)
  assert.equal((await remove('approver', other)).statusCode, 404)
  assert.equal((await remove('approver', id)).json().code, 'model-used')
  const audits = await f.store.ledger.audits(MAIN, { limit: 10, cursor: null, action: 'model' })
  assert.deepEqual(
    audits.items.map(({ action, object, actor }) => [action, object, actor]),
    [
      ['model.remove', other, 'approver'],
      ['model.add', other, 'approver'],
      ['model.add', id, 'approver'],
    ],
  )
})
