/** Who may have what done to a machine, when an order goes out, and what is believed of its end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentId, TenantId } from '../model/ids.ts'
import type { MachineAct, MachineResult } from '../model/machine-order.ts'
import type { Audit, Store } from '../model/store.ts'
import type { AgentReport, ServerMessage } from '../model/wire.ts'
import { createDelivery } from './delivery.ts'
import { createMachineDesk } from './machine-desk.ts'

const A = 'a' as AgentId

function desk() {
  const [lines, sent]: [Audit[], ServerMessage[]] = [[], []]
  const it = { now: 1_000, inTouch: [A] as AgentId[], isFull: false }
  const audit = async (_: TenantId, line: Audit) => {
    await Promise.resolve()
    if (it.isFull) throw new Error('writing the ledger: no space left')
    lines.push(line)
  }
  const made = createMachineDesk({
    tenant: 't' as TenantId,
    store: { ledger: { audit } as Store['ledger'] },
    delivery: { send: (_, message) => void sent.push(message), inTouch: () => it.inTouch },
    clock: () => it.now,
  })
  const ask = (act: MachineAct, by = 'ana', key: string | null = null) =>
    made.ask({ agent: A, machine: 'till', act, by, key })
  const tell = (...orders: MachineResult[]) => made.take(A, { orders, at: it.now } as unknown as AgentReport)
  return { ...made, ask, tell, it, lines, sent }
}
const result = (id: string, outcome: MachineResult['outcome'], why = ''): MachineResult => ({ id, at: 0, outcome, why })

test('a start goes out at once, and every step of it is a line', async () => {
  const d = desk()
  const asked = await d.ask({ do: 'start' })
  assert.ok(asked.ok && asked.value.state === 'sent')
  const { id } = asked.value
  assert.deepEqual(d.sent, [
    { type: 'machine', order: { id, machine: 'till', act: { do: 'start' }, by: 'ana', until: 61_000 } },
  ])
  await d.tell(result(id, 'begun'))
  await d.tell(result(id, 'done', 'it runs (tcg)'), result(id, 'done', 'it runs (tcg)'), result('m_0', 'done'))
  await d.tell(result(id, 'failed'))
  assert.deepEqual(
    d.lines.map(({ actor, action, object }) => `${actor} ${action} ${object}`),
    ['ana machine.start a/till', 'agent:a machine.begun a/till', 'agent:a machine.done a/till'],
  )
  assert.deepEqual([d.of(A).orders[0]?.state, d.of(A).orders[0]?.why], ['done', 'it runs (tcg)'])
})

test('what is lost for good waits for another person', async () => {
  for (const act of [{ do: 'destroy' }, { do: 'stop', how: 'ask' }] as const) {
    const d = desk()
    const asked = await d.ask(act)
    assert.ok(asked.ok && asked.value.state === 'waits')
    const { id } = asked.value
    assert.deepEqual(d.sent, [])
    const own = await d.approve(A, id, 'ana')
    assert.equal(own.ok ? '' : own.code, 'self-approval')
    const approved = await d.approve(A, id, 'ben')
    assert.ok(approved.ok && approved.value.state === 'sent')
    assert.equal(d.sent.length, 1)
    const again = await d.approve(A, id, 'ben')
    assert.equal(again.ok ? '' : again.code, 'move-refused')
    assert.equal(d.lines.at(-1)?.action, 'machine.approve')
  }
})

test('one person is one person, by a token and in the console', async () => {
  for (const [asks, approves] of [
    ['ana', 'session:ana'],
    ['session:ana', 'ana'],
  ] as const) {
    const d = desk()
    const asked = await d.ask({ do: 'destroy' }, asks)
    assert.ok(asked.ok)
    const own = await d.approve(A, asked.value.id, approves)
    assert.equal(own.ok ? '' : own.code, 'self-approval', `${asks} asked, ${approves} approved`)
    assert.deepEqual(d.sent, [])
    assert.ok((await d.approve(A, asked.value.id, 'session:ben')).ok)
  }
})

test('one request is one order; one that nobody took in time is over', async () => {
  const d = desk()
  const [first, second] = [await d.ask({ do: 'start' }, 'ana', 'k'), await d.ask({ do: 'start' }, 'ana', 'k')]
  assert.ok(first.ok && second.ok && first.value.id === second.value.id)
  assert.equal(d.sent.length, 1)
  assert.equal(d.unheard(A).length, 1, 'an agent that comes back hears it')
  d.it.now += 60_001
  assert.deepEqual([d.of(A).orders[0]?.state, d.unheard(A)], ['unheard', []])
  d.it.inTouch = []
  const away = await d.ask({ do: 'start' })
  assert.equal(away.ok ? '' : away.code, 'agent-away')
})

test('a host that fell silent on an open connection is told nothing: whoever asks or approves hears that at once', async () => {
  let now = 1_000
  const delivery = createDelivery(() => now)
  const leaving = new AbortController()
  const line = delivery.stream(A, async () => [{ type: 'bookmark', at: now }], leaving.signal)[Symbol.asyncIterator]()
  await line.next()
  const store = { ledger: { audit: async () => {} } } as unknown as Store
  const d = createMachineDesk({ tenant: 't' as TenantId, store, delivery, clock: () => now })
  const ask = (act: MachineAct, key: string | null = null) => d.ask({ agent: A, machine: 'till', act, by: 'ana', key })
  const asked = await ask({ do: 'destroy' }, 'k')
  assert.ok(asked.ok)
  now += 15_000
  assert.deepEqual(delivery.connected(), [A])
  const [start, approved] = [await ask({ do: 'start' }), await d.approve(A, asked.value.id, 'ben')]
  assert.deepEqual([start.ok ? '' : start.code, approved.ok ? '' : approved.code], ['agent-away', 'agent-away'])
  assert.equal(d.of(A).orders[0]?.state, 'waits', 'it can be approved when the host is back')
  assert.ok((await ask({ do: 'destroy' }, 'k')).ok, 'asked again, it is the order that there is')
  delivery.heard(A)
  assert.ok((await d.approve(A, asked.value.id, 'ben')).ok)
  leaving.abort()
  await line.return?.()
})

test('two at once, who approve or ask the same, have it done once', async () => {
  const d = desk()
  const asked = await Promise.all([1, 2].map(() => d.ask({ do: 'destroy' }, 'ana', 'k')))
  assert.ok(asked[0]?.ok && asked[1]?.ok && asked[0].value.id === asked[1].value.id)
  const { id } = asked[0].value
  const approved = await Promise.all(['ben', 'cleo'].map((by) => d.approve(A, id, by)))
  assert.deepEqual(
    approved.map((one) => (one.ok ? 'sent' : one.code)),
    ['sent', 'move-refused'],
  )
  assert.equal(d.sent.length, 1)
  assert.deepEqual(
    d.lines.map(({ action }) => action),
    ['machine.destroy', 'machine.approve'],
  )
})

test('what the ledger does not take does not happen, and can be asked for again', async () => {
  const d = desk()
  d.it.isFull = true
  await assert.rejects(d.ask({ do: 'start' }, 'ana', 'k'), /no space left/)
  assert.deepEqual([d.sent, d.of(A).orders, d.unheard(A)], [[], [], []])
  d.it.isFull = false
  assert.ok((await d.ask({ do: 'start' }, 'ana', 'k')).ok)
  assert.equal(d.sent.length, 1)
})

test('no open order is forgotten: what is over makes room, or one more is refused', async () => {
  const d = desk()
  const ids: string[] = []
  for (let i = 0; i < 100; i++) {
    const asked = await d.ask({ do: 'destroy' })
    assert.ok(asked.ok)
    ids.push(asked.value.id)
  }
  const more = await d.ask({ do: 'start' })
  assert.equal(more.ok ? '' : more.code, 'too-many-orders')
  assert.equal(d.lines.length, 100)
  assert.ok((await d.approve(A, ids[40]!, 'ben')).ok)
  await d.tell(result(ids[40]!, 'done'))
  const newestFirst = d.of(A).orders.map(({ id }) => id)
  assert.deepEqual(newestFirst, ids.toReversed(), 'in the order of asking, whatever became of them')
  const fits = await d.ask({ do: 'start' })
  assert.ok(fits.ok)
  const kept = d.of(A).orders.map(({ id }) => id)
  assert.deepEqual([kept.length, kept[0], kept.includes(ids[40]!)], [100, fits.value.id, false])
  d.it.now += 900_001
  assert.ok((await d.ask({ do: 'start' })).ok, 'those that nobody approved are over')
})
