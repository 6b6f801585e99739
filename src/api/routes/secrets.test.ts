/** Secrets through the API: who may, what is told, what an agent gets, and that no value is ever in an answer or a log. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { apiFixture, type Fixture } from '../../../test/api.ts'
import { auditBy, decisionRecord, MAIN, personaManifest } from '../../../test/records.ts'
import type { SecretRef } from '../../model/facets/secret.ts'
import { boxLabel, openBox, publicKeyText } from '../../model/facets/secret-box.ts'
import type { AgentId, PlanId } from '../../model/ids.ts'
import type { PersonaManifest } from '../../model/manifest.ts'
import type { Plan } from '../../model/plan.ts'
import { refuseUnknownSecrets } from '../known-secrets.ts'
import type { Problem } from '../problem.ts'

const VALUE = 'correct-horse-battery-staple'
const HOST = 'host-a' as AgentId
const answers: string[] = []
let f: Fixture
before(async () => {
  f = await apiFixture()
  const { as } = f
  Object.assign(f, {
    as: async (...args: Parameters<typeof as>) => {
      const answer = await as(...args)
      answers.push(`${answer.body}${JSON.stringify(answer.headers)}`)
      return answer
    },
  })
})
after(() => f[Symbol.asyncDispose]())

const put = (role: 'admin' | 'operator', id: string, payload: object, tag = '*') =>
  f.as(role, { method: 'PUT', url: `/v1/secrets/${id}`, payload, headers: { 'if-match': tag } })

test('set, listed by name and version, changed against its version', async () => {
  assert.equal((await put('operator', 'wg', { value: VALUE })).statusCode, 403)
  const made = await put('admin', 'wg', { value: VALUE }, '"0"')
  assert.equal(made.statusCode, 200, made.body)
  assert.equal(made.headers.etag, '"1"')
  assert.equal((await put('admin', 'wg', { value: 'x' }, '"0"')).json().code, 'exists')
  assert.equal((await put('admin', 'wg', { value: 'x' }, '"7"')).json().code, 'version-changed')
  const second = await put('admin', 'wg', { value: `${VALUE}-2` })
  assert.deepEqual([second.json().version, second.json().versions], [2, [2, 1]])
  const [listed] = (await f.as('viewer', '/v1/secrets')).json().items
  assert.deepEqual(Object.keys(listed).sort(), ['name', 'updatedAt', 'updatedBy', 'usedBy', 'version', 'versions'])
  assert.equal((await f.as('viewer', '/v1/secrets/wg')).json().version, 2)
  assert.equal((await f.as('viewer', '/v1/secrets/other')).statusCode, 404)
  assert.ok(f.asked.some(({ what }) => what === 'manifestsChanged'))
})

test('what does not fit is refused without being repeated', async () => {
  for (const [id, payload] of [
    ['wg', { value: '' }],
    ['wg', { value: VALUE, note: VALUE }],
    ['wg', { value: VALUE.repeat(4_000) }],
    ['wg', { value: 'é'.repeat(40_000) }],
    ['wg', { value: { [VALUE]: 1 } }],
    ['UPPER', { value: VALUE }],
    ['..', { value: VALUE }],
  ] as const)
    assert.match(String((await put('admin', id, payload)).statusCode), /^(400|404|413)$/)
  const broken = await f.as('admin', {
    method: 'PUT',
    url: '/v1/secrets/wg',
    payload: `{"value": "${VALUE}`,
    headers: { 'content-type': 'application/json', 'if-match': '*' },
  })
  assert.equal(broken.statusCode, 400)
})

test('a manifest that names a secret nobody made is refused at its place', async () => {
  const persona = { ...personaManifest('Remote'), spec: { profile: { vpn: { privateKey: { secret: 'nope' } } } } }
  const deps = { store: () => f.store }
  const faultAt = (index: number, path: readonly (string | number)[], message: string) => ({
    pointer: `/${index}/${path.join('/')}`,
    message,
  })
  const refusing = refuseUnknownSecrets(deps, MAIN, [persona as unknown as PersonaManifest], faultAt)
  await assert.rejects(refusing, (error: Problem) => {
    assert.deepEqual([error.code, error.statusCode], ['secret-missing', 422])
    assert.equal(error.errors[0]!.pointer, '/0/spec/profile/vpn/privateKey/secret')
    assert.match(error.errors[0]!.message, /there is no secret nope; make it: guise secret set nope/)
    return true
  })
  persona.spec.profile.vpn.privateKey.secret = 'wg'
  await refuseUnknownSecrets(deps, MAIN, [persona as unknown as PersonaManifest], faultAt)
})

test('an agent gets what a plan gives it, sealed to the key it is known by, and nothing else', async () => {
  const refs = [...(await f.store.secrets.newest(MAIN)).values()]
  await put('admin', 'foreign', { value: 'not-for-it' })
  const foreign = (await f.store.secrets.newest(MAIN)).get('foreign')!
  const key = generateKeyPairSync('x25519').privateKey
  const ask = (publicKey: string, want: readonly SecretRef[], agent = 'host-a') =>
    f.as('agent', { method: 'POST', url: `/v1/agents/${agent}/secrets`, payload: { publicKey, want } })
  assert.deepEqual((await ask(publicKeyText(key), refs)).json().items, [], 'no plan gives it anything')
  const plan = await giveByPlan(refs)
  assert.deepEqual((await ask(publicKeyText(key), refs)).json().items, [], 'what nobody approved gives nothing')
  for (const state of ['approved', 'applying'] as const)
    assert.ok((await f.store.plans.move(MAIN, plan, state, auditBy('guise', `plan.${state}`))).ok)
  const answer = await ask(publicKeyText(key), [...refs, foreign])
  const { items } = answer.json() as { items: (SecretRef & { sealed: string })[] }
  assert.deepEqual(
    items.map((item) => item.secret),
    ['wg'],
  )
  const { value } = JSON.parse(openBox(key, items[0]!.sealed, boxLabel(HOST, refs[0]!)).toString())
  assert.equal(value, `${VALUE}-2`)
  const thief = publicKeyText(generateKeyPairSync('x25519').privateKey)
  assert.equal((await ask(thief, refs)).json().code, 'other-key')
  assert.equal((await ask(publicKeyText(key), refs, 'host-b')).statusCode, 404)
  assert.equal((await f.as('agent', '/v1/secrets')).statusCode, 403)
})

test('removed only when nothing uses it', async () => {
  const remove = (id: string) =>
    f.as('admin', { method: 'DELETE', url: `/v1/secrets/${id}`, headers: { 'if-match': '*' } })
  const used = await remove('wg')
  assert.deepEqual([used.statusCode, used.json().code], [409, 'secret-used'])
  assert.match(used.json().detail, /Secret wg is used by plan p_/)
  assert.equal((await remove('foreign')).statusCode, 204)
  assert.equal((await remove('foreign')).statusCode, 404)
})

test('no value in any answer, in the audit, or in a log', async () => {
  const audit = (await f.as('admin', '/v1/audit?limit=1000')).body
  assert.match(audit, /secret wg set/)
  const told = [...answers, JSON.stringify(f.asked)].join('\n')
  for (const secret of [VALUE, 'not-for-it', Buffer.from(VALUE).toString('base64').slice(0, 30)])
    assert.ok(!told.includes(secret), secret)
  assert.ok(answers.length > 15)
})

async function giveByPlan(refs: readonly SecretRef[]): Promise<PlanId> {
  const why = { rule: 'r', text: 't' }
  const list = { rules: [], otherwise: 'allow' as const, why }
  const made = await f.store.plans.propose(
    MAIN,
    (generation, id, parent) =>
      ({
        ...{ id, tenant: MAIN, parent, generation, direction: 'change', approval: 'auto', steps: [], skipped: [] },
        ...{ blastRadius: { workloads: 0, conversationsCut: 0, examples: [] }, decision: 'd_s1', createdAt: 1 },
        proposedBy: 'guise',
        agents: {
          [HOST]: {
            ...{
              generation,
              plan: id,
              mode: 'enforce',
              sets: [],
              neverBlock: [],
              failSafe: [],
              confirmWithinMs: 30_000,
            },
            workloads: [
              {
                ...{ workload: 'w', key: 'k', persona: { id: 'p', name: 'P', version: 1 } },
                ...{ egress: list, ingress: list, containment: null, vpn: { privateKey: refs[0] } },
              },
            ],
          },
        },
      }) as unknown as Plan,
    decisionRecord('d_s1'),
    [],
    auditBy('guise', 'plan.propose'),
  )
  assert.ok(made.ok)
  return made.value.plan.id
}
