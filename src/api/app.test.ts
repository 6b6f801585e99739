/** Every route through the one door, on a real record: what it does, and what it refuses. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { apiFixture, type Fixture, knowWorkload, LOOPBACK, reportOf } from '../../test/api.ts'
import { auditBy, decisionRecord, MAIN, planMaker, shiftRecord } from '../../test/records.ts'
import type { PlanStep } from '../model/plan.ts'

let f: Fixture
before(async () => {
  f = await apiFixture()
})
after(() => f[Symbol.asyncDispose]())

const persona = (name: string, spec: object = {}) => ({
  apiVersion: 'guise/v1',
  kind: 'Persona',
  metadata: { name },
  spec,
})

test('healthz is exact and needs nobody', async () => {
  const answer = await f.as(null, '/healthz')
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.body, '{"status":"ok"}')
  assert.equal((await f.as(null, '/v1/healthz')).statusCode, 200)
})

test('a persona: made, read, changed against its version, removed', async () => {
  const made = await f.as('operator', { method: 'POST', url: '/personas', payload: persona('Night Shift') })
  assert.equal(made.statusCode, 201, made.body)
  assert.equal(made.headers.location, '/v1/personas/night-shift')
  const version = made.headers.etag as string
  const twice = await f.as('operator', { method: 'POST', url: '/personas', payload: persona('Night Shift') })
  assert.deepEqual([twice.statusCode, twice.json().code], [409, 'exists'])

  const url = '/v1/personas/night-shift'
  assert.equal((await f.as('viewer', url)).json().manifest.metadata.name, 'Night Shift')
  assert.equal((await f.as('viewer', { url, headers: { 'if-none-match': version } })).statusCode, 304)
  const changed = persona('Night Shift', { profile: { dns: { servers: ['10.0.0.53'] } } })
  const put = (ifMatch: string | null) =>
    f.as('operator', {
      method: 'PUT',
      url,
      payload: changed,
      headers: ifMatch === null ? {} : { 'if-match': ifMatch },
    })
  assert.equal((await put(null)).statusCode, 428)
  assert.equal((await put('"999"')).statusCode, 412)
  const second = await put(version)
  assert.equal(second.statusCode, 200, second.body)
  assert.notEqual(second.headers.etag, version)
  assert.equal((await put(version)).json().code, 'version-changed')
  assert.deepEqual((await f.as('viewer', `${url}?form=short`)).json().dns_servers, ['10.0.0.53'])

  const remove = (tag: string) => f.as('operator', { method: 'DELETE', url, headers: { 'if-match': tag } })
  assert.equal((await remove(version)).statusCode, 412)
  assert.equal((await remove(second.headers.etag as string)).statusCode, 204)
  assert.equal((await f.as('viewer', url)).statusCode, 404)
  assert.ok(f.asked.some((asked) => asked.what === 'manifestsChanged'))
})

test('the short form is stored as one manifest; what has no driver is refused and not stored', async () => {
  const short = {
    name: 'Branch Office',
    ip_address: '10.0.0.5',
    subnet_mask: '255.255.255.0',
    gateway: '10.0.0.1',
    dns_servers: ['10.0.0.53'],
    firewall_rules: [],
    vpn_settings: null,
    tls_certificate: null,
  }
  const made = await f.as('operator', { method: 'POST', url: '/personas', payload: short })
  assert.equal(made.statusCode, 201, made.body)
  assert.deepEqual(made.json().manifest.spec.profile.network, { addresses: ['10.0.0.5/24'], gateways: ['10.0.0.1'] })
  const back = (await f.as('viewer', '/personas/branch-office?form=short')).json()
  assert.deepEqual(back, short)

  const vpn = { ...short, name: 'With VPN', vpn_settings: { peer: 'x' }, tls_certificate: 'pem' }
  const refusedAnswer = await f.as('operator', { method: 'POST', url: '/personas', payload: vpn })
  assert.equal(refusedAnswer.statusCode, 422)
  assert.equal(refusedAnswer.headers['content-type'], 'application/problem+json')
  const problem = refusedAnswer.json()
  assert.equal(problem.code, 'manifest-refused')
  const pointers = problem.errors.map((error: { pointer: string }) => error.pointer)
  assert.ok(pointers.includes('/vpn_settings/peer') && pointers.includes('/tls_certificate'), pointers.join())
  assert.equal((await f.as('viewer', '/personas/with-vpn')).statusCode, 404)
})

test('a trigger is refused by name; an unknown field is told with its place', async () => {
  const trigger = {
    apiVersion: 'guise/v1',
    kind: 'Trigger',
    metadata: { name: 'T' },
    spec: { when: 'true', shift: { persona: 'X' } },
  }
  for (const url of ['/triggers', '/manifests', '/personas']) {
    const answer = await f.as('operator', { method: 'POST', url, payload: trigger })
    assert.deepEqual([answer.statusCode, answer.json().code], [422, 'kind-not-supported'], url)
  }
  const wrong = await f.as('operator', { method: 'POST', url: '/personas', payload: persona('X', { colour: 1 }) })
  assert.equal(wrong.statusCode, 422)
  assert.equal(wrong.json().errors[0].pointer, '/spec/colour')
})

test('a set of manifests applies whole or not at all; YAML too; dry run changes nothing', async () => {
  const bad = [persona('Set One'), { ...persona('Set Two'), kind: 'Policy' }]
  assert.equal((await f.as('operator', { method: 'POST', url: '/manifests', payload: bad })).statusCode, 422)
  assert.equal((await f.as('viewer', '/personas/set-one')).statusCode, 404)
  const good = [persona('Set One'), persona('Set Two')]
  const dry = await f.as('operator', { method: 'POST', url: '/manifests?dry_run=true', payload: good })
  assert.deepEqual(
    dry.json().items.map((i: { outcome: string }) => i.outcome),
    ['created', 'created'],
  )
  assert.equal((await f.as('viewer', '/personas/set-one')).statusCode, 404)
  assert.equal((await f.as('operator', { method: 'POST', url: '/manifests', payload: good })).json().applied, true)
  const again = await f.as('operator', { method: 'POST', url: '/manifests', payload: good })
  assert.deepEqual(
    again.json().items.map((i: { outcome: string }) => i.outcome),
    ['unchanged', 'unchanged'],
  )
  const yaml =
    'apiVersion: guise/v1\nkind: Persona\nmetadata: {name: From Yaml}\nspec: {}\n---\napiVersion: guise/v1\nkind: Persona\nmetadata: {name: Also Yaml}\nspec: {}\n'
  const headers = { 'content-type': 'application/yaml' }
  const applied = await f.as('operator', { method: 'POST', url: '/manifests', payload: yaml, headers })
  assert.equal(applied.statusCode, 200, applied.body)
  const broken = await f.as('operator', { method: 'POST', url: '/manifests', payload: 'a: [\n', headers })
  assert.deepEqual([broken.statusCode, broken.json().code], [422, 'manifest-refused'])
  assert.ok(broken.json().errors[0].line >= 1)
  assert.equal((await f.as('operator', { method: 'POST', url: '/personas', payload: yaml, headers })).statusCode, 415)
})

test('what a schema cannot say is refused with its place: a CEL that does not parse, host bits, a deny without end', async () => {
  const policy = (spec: object) => ({ apiVersion: 'guise/v1', kind: 'Policy', metadata: { name: 'P' }, spec })
  const rule = (cidr: string) => ({ action: 'deny', direction: 'egress', peers: [{ cidr }] })
  const cases: [object, string][] = [
    [policy({ when: 'risk >', ttl: '15m', rules: [rule('10.0.0.0/8')] }), '/spec/when'],
    [policy({ rules: [rule('10.0.0.1/8')] }), '/spec/rules/0/peers/0/cidr'],
    [policy({ when: 'risk > 0.9', rules: [rule('10.0.0.0/8')] }), '/spec/when'],
  ]
  for (const [payload, pointer] of cases) {
    const answer = await f.as('operator', { method: 'POST', url: '/policies', payload })
    assert.deepEqual([answer.statusCode, answer.json().errors?.[0].pointer], [422, pointer], answer.body)
  }
})

test('nobody approves what they asked for, under whichever token of theirs', async () => {
  const decision = decisionRecord('d_1')
  const proposed = await f.store.plans.propose(
    MAIN,
    (g, id, parent) => ({ ...planMaker(decision.id)(g, id, parent), proposedBy: 'session:kim', approval: 'one' }),
    decision,
    [],
    auditBy('kim'),
  )
  assert.ok(proposed.ok)
  const id = proposed.value.plan.id
  const approveAs = async (name: string) => {
    const headers = { ...LOOPBACK, authorization: `Bearer ${await f.token('approver', { name })}` }
    return (
      await f.app.inject({ method: 'POST', url: `/plans/${id}/approve`, headers, payload: { note: 'looked at it' } })
    ).json()
  }
  assert.equal((await approveAs('kim')).code, 'self-approval')
  assert.equal((await approveAs('lee')).code, 'move-refused')
  const asked = f.asked.findLast((one) => one.what === 'approvePlan')!.detail as { by: string; note: string }
  assert.deepEqual([asked.by, asked.note], ['lee', 'looked at it'])
  assert.equal((await f.as('viewer', `/plans/${id}/preview`)).json().approval, 'one')
  for (const verb of ['confirm', 'rollback']) {
    assert.equal((await f.as('operator', { method: 'POST', url: `/plans/${id}/${verb}` })).statusCode, 409)
    assert.equal((await f.as('operator', { method: 'POST', url: `/plans/none/${verb}` })).statusCode, 404)
  }
})

test('what somebody asked for stays theirs in a plan that automation proposes', async () => {
  const decision = decisionRecord('d_wish')
  const shift = { ...shiftRecord('s_wish'), requestedBy: 'session:kim' }
  const to = { persona: shift.to.id, name: shift.to.name }
  const why = [{ rule: 'shift/s_wish', text: 'kim asked for it' }] as const
  const step = { workload: shift.workload, shift: shift.id, from: null, to, why, before: null } as unknown as PlanStep
  const { confirmed } = await f.store.plans.target(MAIN)
  const proposed = await f.store.plans.propose(
    MAIN,
    (g, id) => ({ ...planMaker(decision.id)(g, id, confirmed?.plan.id ?? null), proposedBy: 'guise', steps: [step] }),
    decision,
    [shift],
    auditBy('guise'),
  )
  assert.ok(proposed.ok)
  const headers = { ...LOOPBACK, authorization: `Bearer ${await f.token('approver', { name: 'kim' })}` }
  const url = `/plans/${proposed.value.plan.id}/approve`
  const answer = await f.app.inject({ method: 'POST', url, headers, payload: { note: '' } })
  assert.deepEqual([answer.statusCode, answer.json().code], [403, 'self-approval'])
})

test('a feed is an administrator’s, also inside a set', async () => {
  const feed = {
    apiVersion: 'guise/v1',
    kind: 'Feed',
    metadata: { name: 'Bad' },
    spec: { path: 'bad.txt', use: 'blocklist' },
  }
  assert.equal((await f.as('operator', { method: 'POST', url: '/feeds', payload: feed })).statusCode, 403)
  assert.equal((await f.as('operator', { method: 'POST', url: '/manifests', payload: [feed] })).statusCode, 403)
  assert.equal((await f.as('admin', { method: 'POST', url: '/feeds', payload: feed })).statusCode, 201)
})

test('pages: limit, cursor, and no cursor at the end', async () => {
  const names: string[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < 50; pages++) {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await f.as('viewer', `/personas?limit=2${query}`)).json()
    names.push(...page.items.map((item: { id: string }) => item.id))
    cursor = page.next
    if (cursor === null) break
  }
  assert.equal(cursor, null)
  assert.equal(new Set(names).size, names.length)
  assert.ok(names.length >= 5)
  assert.equal((await f.as('viewer', '/personas?limit=0')).statusCode, 400)
  assert.equal((await f.as('viewer', '/personas?nonsense=1')).json().code, 'validation')
})

test('workloads: list, filter, order, the whole persona document', async () => {
  const id = await knowWorkload(f, reportOf('db-1'))
  await knowWorkload(f, reportOf('web-1', { addresses: ['10.0.0.9'], labels: { app: 'web' } }))
  assert.equal((await f.as('viewer', '/workloads')).json().items.length, 2)
  const names = async (q: string) =>
    (await f.as('viewer', `/workloads?q=${encodeURIComponent(q)}&s=-name`))
      .json()
      .items.map((w: { report: { name: string } }) => w.report.name)
  assert.deepEqual(await names(''), ['web-1', 'db-1'])
  assert.deepEqual(await names('label:app=web'), ['web-1'])
  assert.deepEqual(await names('10.0.0.5'), ['db-1'])
  assert.deepEqual(await names('host:host-a risk<0.5 db'), ['db-1'])
  assert.equal((await f.as('viewer', '/workloads?q=risk%3Ehigh')).json().code, 'bad-filter')
  assert.equal((await f.as('viewer', '/workloads?s=constructor')).json().code, 'bad-order')
  const document = (await f.as('viewer', `/workloads/${id}/persona`)).json()
  for (const key of [
    'base_network_config',
    'traffic_profile',
    'behavioral_signatures',
    'risk_score',
    'mitigation_rules',
  ]) {
    assert.ok(key in document, key)
  }
  assert.deepEqual(document.base_network_config.addresses, ['10.0.0.5'])
  for (const part of ['', '/belief', '/risk', '/conversations', '/history', '/rules', '/why']) {
    assert.equal((await f.as('viewer', `/workloads/${id}${part}`)).statusCode, 200, part)
    assert.equal((await f.as('viewer', `/workloads/w_none${part}`)).statusCode, 404, part)
  }
  assert.equal((await f.as('viewer', `/workloads/${id}/rules`)).body, 'null')
  const flow = (await f.as('viewer', `/workloads/${id}/why?to=${encodeURIComponent('[fd00::5]:443')}`)).json()
  assert.deepEqual(flow.question, { to: 'fd00::5', port: 443, protocol: 'tcp' })
  assert.equal((await f.as('viewer', `/workloads/${id}/why?to=nowhere`)).json().code, 'bad-destination')
  assert.equal((await f.as('viewer', `/workloads/${id}/history?from=0&to=9999999999999`)).json().code, 'bad-span')
  const heard = {
    workload: id,
    at: f.clock.now - 1_000,
    belief: null,
    risk: null,
    bytesOut: 1_000,
    bytesIn: 500,
    spanMs: 5_000,
  }
  await f.store.workloads.observe(MAIN, [heard])
  const traffic = (await f.as('viewer', '/workloads/traffic')).json()
  const row = traffic.items.find((one: { id: string }) => one.id === id)
  assert.deepEqual([row.values.length, row.values.at(-1), row.values[0]], [40, 100, null])
  assert.equal((await f.as('viewer', '/workloads/traffic?from=0&to=86400000')).json().code, 'bad-span')
})

test('trigger_shift: 202 with its ids; a fronted device shifts its front and says so', async () => {
  await f.as('operator', { method: 'POST', url: '/personas', payload: persona('Wearable') })
  const front = await knowWorkload(f, reportOf('vm-7'))
  const device = await knowWorkload(f, reportOf('phone-7', { kind: 'device' as never, frontedBy: 'vm-7' }))
  const ask = (payload: object) => f.as('operator', { method: 'POST', url: '/trigger_shift', payload })
  const plain = await ask({ device_id: front, persona_id: 'wearable', ttl: '15m' })
  assert.equal(plain.statusCode, 202, plain.body)
  const { shift_id, plan_id, state } = plain.json()
  assert.deepEqual([shift_id, plan_id, state], ['s_1', 'p_1', 'approved'])
  const fronted = await ask({ device_id: device, persona_id: 'Wearable' })
  assert.equal(fronted.json().shifted.id, front)
  assert.match(fronted.json().note, /phone-7 is fronted by vm-7/)
  const last = f.asked.findLast((asked) => asked.what === 'requestShift')!.detail as { workload: string }
  assert.equal(last.workload, front)
  assert.equal((await ask({ device_id: 'nobody', persona_id: 'wearable' })).statusCode, 404)
  assert.equal((await ask({ device_id: front, persona_id: 'nobody' })).statusCode, 404)
  const bad = await ask({ device_id: front, persona_id: 'wearable', 'a/b': 1 })
  assert.deepEqual([bad.statusCode, bad.json().errors[0].pointer], [400, '/a~1b'])
  assert.equal((await f.as('viewer', { method: 'POST', url: '/trigger_shift', payload: {} })).statusCode, 403)
  assert.equal((await f.as('operator', { method: 'DELETE', url: '/shifts/none' })).statusCode, 404)
})

test('settings: against a version, networks checked', async () => {
  const now = await f.as('viewer', '/settings')
  const put = (payload: object, tag = now.headers.etag as string) =>
    f.as('admin', { method: 'PUT', url: '/settings', payload, headers: { 'if-match': tag } })
  const wanted = { ...now.json(), neverBlock: ['10.0.0.1', 'fd00::/8'] }
  assert.equal((await put({ ...wanted, neverBlock: ['10.0.0.1/8'] })).json().errors[0].pointer, '/neverBlock/0')
  assert.equal((await put(wanted)).statusCode, 200)
  assert.equal((await put(wanted)).statusCode, 412)
  assert.deepEqual((await f.as('viewer', '/settings')).json().neverBlock, wanted.neverBlock)
})

test('an Idempotency-Key is answered again without effect; another body under it is refused', async () => {
  const headers = { 'idempotency-key': 'k-1' }
  const make = (name: string) =>
    f.as('operator', { method: 'POST', url: '/v1/personas', payload: persona(name), headers })
  const first = await make('Once')
  const second = await make('Once')
  assert.deepEqual([first.statusCode, second.statusCode], [201, 201])
  assert.equal(second.headers['idempotency-replayed'], 'true')
  assert.deepEqual(second.json(), first.json())
  assert.equal((await make('Twice')).json().code, 'key-reused')
  const token = await f.as('admin', { method: 'POST', url: '/tokens', payload: { name: 'x', role: 'viewer' }, headers })
  assert.equal(token.json().code, 'key-not-here')
})

test('tokens: told once, listed without hash, revoked at once', async () => {
  const made = await f.as('admin', { method: 'POST', url: '/tokens', payload: { name: 'kim', role: 'viewer' } })
  assert.equal(made.statusCode, 201)
  const { token, id } = made.json()
  assert.equal(made.body.includes('argon2'), false)
  const list = await f.as('admin', '/tokens')
  assert.equal(list.body.includes('argon2') || list.body.includes(token), false)
  const use = () => f.app.inject({ url: '/personas', headers: { ...LOOPBACK, authorization: `Bearer ${token}` } })
  assert.equal((await use()).statusCode, 200)
  assert.equal((await f.as('admin', { method: 'DELETE', url: `/tokens/${id}` })).statusCode, 204)
  assert.equal((await use()).statusCode, 401)
  assert.equal(
    (await f.as('admin', { method: 'POST', url: '/tokens', payload: { name: 'a', role: 'agent' } })).statusCode,
    422,
  )
})

test('nobody is given the name under which Guise acts by itself; an agent may be called so', async () => {
  const make = (payload: object) => f.as('admin', { method: 'POST', url: '/tokens', payload })
  for (const name of ['guise', 'Guise ', 'cli']) {
    const answer = await make({ name, role: 'admin' })
    assert.deepEqual([answer.statusCode, answer.json().code], [422, 'name-reserved'], name)
  }
  assert.equal((await make({ name: 'guise', role: 'agent', agent: 'guise' })).statusCode, 201)
})

test('ledger, agents, schemas, docs, metrics, doctor answer', async () => {
  const audit = (await f.as('viewer', '/audit')).json()
  assert.ok(
    audit.items.some(
      (row: { action: string; actor: string }) => row.action === 'persona.create' && row.actor === 'operator',
    ),
  )
  assert.equal((await f.as('viewer', '/audit/verify')).json().ok, true)
  for (const url of ['/decisions', '/plans', '/shifts', '/agents', '/policies', '/feeds', '/triggers', '/doctor']) {
    assert.equal((await f.as('viewer', url)).statusCode, 200, url)
  }
  for (const url of [
    '/decisions/x',
    '/plans/x',
    '/plans/x/preview',
    '/shifts/x',
    '/agents/x',
    '/nothing',
    '/v1/nothing',
  ]) {
    assert.equal((await f.as('viewer', url)).statusCode, 404, url)
  }
  assert.match((await f.as('viewer', '/metrics')).body, /guise_http_request_seconds/)
  assert.equal((await f.as(null, '/schemas/persona')).json().$id, 'Persona')
  const contract = (await f.as(null, '/openapi.json')).json()
  assert.equal(contract.openapi, '3.1.0')
  assert.ok(contract.components.schemas.Persona, Object.keys(contract.components.schemas).join())
  assert.ok(Object.keys(contract.paths).every((path) => path.startsWith('/v1/')))
  const answers = contract.paths['/v1/trigger_shift'].post.responses
  assert.match(JSON.stringify(answers), /components\/schemas\/Problem/)
  assert.match(JSON.stringify(contract.paths['/v1/personas'].post.requestBody), /schemas\/PersonaShortForm/)
  assert.match((await f.as(null, '/docs')).body, /trigger_shift/)
  assert.equal(
    f.asked.filter((asked) => asked.what === 'log').length,
    0,
    JSON.stringify(f.asked.filter((a) => a.what === 'log')),
  )
})

test('what the record cannot look for is refused as what it is, not called broken: NUL, times beyond all', async () => {
  const asked = (url: string, payload?: object) =>
    f.as('operator', payload === undefined ? url : { method: 'POST', url, payload })
  const nul = [
    asked('/workloads/a%00b'),
    asked('/plans/%00'),
    asked('/decisions/%00'),
    asked('/decisions?workload=%00'),
    asked('/trigger_shift', { device_id: 'a\u0000b', persona_id: 'dns-server' }),
  ]
  for (const answer of await Promise.all(nul))
    assert.deepEqual([answer.statusCode, answer.json().code], [400, 'bad-text'])
  const id = await knowWorkload(f, reportOf('clock-1'))
  for (const url of [
    `/workloads/${id}/conversations?since=1e300`,
    `/workloads/${id}/history?to=1e20`,
    '/workloads/traffic?to=1e20',
    '/topology?to=1e20',
  ]) {
    const answer = await asked(url)
    assert.deepEqual([url, answer.statusCode, answer.json().code], [url, 400, 'validation'])
    assert.match(answer.json().errors[0].pointer, /^\/(since|to)$/)
  }
})
