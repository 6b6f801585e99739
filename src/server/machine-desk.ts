/**
 * Orders about the machines of hosts: what a person asks for comes in, an order goes to its agent once whoever else it needs
 * has approved it, and what became of it comes back. Every step is a line of the ledger; the list here is of this process, and the
 * host acts on an order once and only within its time.
 */
import { createHash, randomUUID } from 'node:crypto'
import { APPROVAL_OF_ACT } from '../decide/authority.ts'
import { isSamePerson, personOf } from '../model/actor.ts'
import type { AgentId, TenantId } from '../model/ids.ts'
import {
  isOver,
  type MachineAct,
  type MachineOrder,
  type MachineOrderRecord,
  type MachineReport,
  type MachinesOf,
} from '../model/machine-order.ts'
import type { Store } from '../model/store.ts'
import type { Outcome, Refusal } from '../model/why.ts'
import type { AgentReport, ServerMessage } from '../model/wire.ts'
import type { Delivery } from './delivery.ts'
import { createInTurn } from './in-turn.ts'

type MachineRequest = {
  readonly agent: AgentId
  readonly machine: string
  readonly act: MachineAct
  readonly by: string
  /** Of whoever asks, the same for every repetition of one request: it is one order. */
  readonly key: string | null
}
type MachineDesk = {
  ask(request: MachineRequest): Promise<Outcome<MachineOrderRecord>>
  approve(agent: AgentId, order: string, by: string): Promise<Outcome<MachineOrderRecord>>
  take(agent: AgentId, report: AgentReport): Promise<void>
  of(agent: AgentId): MachinesOf
  /** What an agent that comes back should hear. */
  unheard(agent: AgentId): ServerMessage[]
}

/** Its agent is in touch when it is sent; a minute is for a connection that breaks just then. */
const HEARD_WITHIN_MS = 60_000
const APPROVED_WITHIN_MS = 900_000
const KEPT = 100

type Book = {
  readonly orders: Map<string, MachineOrderRecord>
  /** Two who approve at once, or one request sent twice, are one order. */
  readonly inTurn: ReturnType<typeof createInTurn>
}

export function createMachineDesk(deps: {
  readonly tenant: TenantId
  readonly store: Pick<Store, 'ledger'>
  readonly delivery: Pick<Delivery, 'send' | 'inTouch'>
  readonly clock: () => number
}): MachineDesk {
  const { tenant, delivery, clock } = deps
  const books = new Map<AgentId, Book>()
  const reports = new Map<AgentId, { readonly at: number; readonly machines: readonly MachineReport[] }>()

  const bookOf = (agent: AgentId) => {
    const book = books.get(agent) ?? { orders: new Map(), inTurn: createInTurn() }
    books.set(agent, book)
    return book
  }
  const write = async (agent: AgentId, record: MachineOrderRecord, actor: string, action: string, summary: string) => {
    const object = `${agent}/${record.machine}`
    await deps.store.ledger.audit(tenant, { actor, action, object, summary: summary.slice(0, 500) })
    bookOf(agent).orders.set(record.id, record)
    return record
  }
  /** What is open is never forgotten: the oldest that is over goes, or there is no room. */
  const makeRoom = ({ orders }: Book): boolean => {
    if (orders.size < KEPT) return true
    const over = [...orders.values()].find((record) => isOver(told(record)))
    return over !== undefined && orders.delete(over.id)
  }
  const send = (agent: AgentId, { id, machine, act, by, until }: MachineOrderRecord) =>
    delivery.send(agent, { type: 'machine', order: { id, machine, act, by, until } })
  const told = (record: MachineOrderRecord): MachineOrderRecord =>
    isOver(record) || record.state === 'begun' || clock() < record.until
      ? record
      : record.state === 'waits'
        ? { ...record, state: 'unheard', why: 'nobody approved it in time' }
        : { ...record, state: 'unheard', why: 'its agent did not take it in time' }

  return {
    ask: ({ agent, machine, act, by, key }) =>
      bookOf(agent).inTurn(async () => {
        const id = `m_${createHash('sha256')
          .update(`${agent} ${key ?? randomUUID()}`)
          .digest('hex')
          .slice(0, 32)}`
        const known = bookOf(agent).orders.get(id)
        if (known !== undefined) return { ok: true, value: told(known) }
        if (!delivery.inTouch().includes(agent)) return away(agent)
        if (!makeRoom(bookOf(agent))) return tooMany(agent)
        const waits = APPROVAL_OF_ACT[act.do] !== 'auto'
        const at = clock()
        const until = at + (waits ? APPROVED_WITHIN_MS : HEARD_WITHIN_MS)
        // Hosts write it into a log of lines, and read nothing else.
        const order: MachineOrder = { id, machine, act, by: nameOf(by), until }
        const why = waits ? 'another person has to approve it' : ''
        const record = await write(
          agent,
          { ...order, at, state: waits ? 'waits' : 'sent', why },
          by,
          `machine.${act.do}`,
          `asks to ${act.do} ${machine} of ${agent}${wordsOf(act)}`,
        )
        if (!waits) send(agent, record)
        return { ok: true, value: record }
      }),
    approve: (agent, id, by) =>
      bookOf(agent).inTurn(async () => {
        const found = bookOf(agent).orders.get(id)
        const record = found === undefined ? undefined : told(found)
        if (record === undefined) return refused('not-found', `There is no order ${id}.`, 'Look at the list of them.')
        if (record.state !== 'waits')
          return refused('move-refused', `Order ${id} is ${record.state}.`, 'Look at it with guise machine list.')
        if (isSamePerson(record.by, nameOf(by)))
          return refused('self-approval', 'You asked for it yourself.', 'Have another person approve it.')
        if (!delivery.inTouch().includes(agent)) return away(agent)
        const summary = `approves: ${record.act.do} ${record.machine} of ${agent}`
        const until = clock() + HEARD_WITHIN_MS
        const sent = await write(
          agent,
          { ...record, until, state: 'sent', why: `approved by ${personOf(by)}` },
          by,
          'machine.approve',
          summary,
        )
        send(agent, sent)
        return { ok: true, value: sent }
      }),
    take: (agent, { machines, orders = [], at }) =>
      bookOf(agent).inTurn(async () => {
        if (machines !== undefined) reports.set(agent, { at, machines })
        for (const { id, outcome, why } of orders) {
          const record = bookOf(agent).orders.get(id)
          // Told again, it is one outcome; of an order nobody here gave, nothing is believed.
          if (record === undefined || isOver(record) || record.state === outcome) continue
          const summary = `${record.act.do} ${record.machine}: ${outcome}${why === '' ? '' : `, ${why}`}`
          await write(agent, { ...record, state: outcome, why }, `agent:${agent}`, `machine.${outcome}`, summary)
        }
      }),
    of(agent) {
      const { at, machines } = reports.get(agent) ?? { at: null, machines: [] }
      return { at, machines, orders: [...bookOf(agent).orders.values()].map(told).reverse() }
    },
    unheard: (agent) =>
      [...bookOf(agent).orders.values()]
        .filter((record) => record.state === 'sent' && clock() < record.until)
        .map(({ id, machine, act, by, until }) => ({ type: 'machine', order: { id, machine, act, by, until } })),
  }
}

const nameOf = (actor: string) => actor.replace(/[^A-Za-z0-9_.:@ -]/g, '_').slice(0, 128)

function wordsOf({ do: _, ...rest }: MachineAct): string {
  const words = Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`)
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}

const away = (agent: AgentId) =>
  refused('agent-away', `Agent ${agent} is not in touch.`, 'Wait for it, or do it on its host with guise machine.')

const tooMany = (agent: AgentId) =>
  refused(
    'too-many-orders',
    `${KEPT} orders about machines of agent ${agent} are open.`,
    'Wait until one is over; those that wait for another person are within 15 minutes.',
  )

function refused(code: string, why: string, cure: string): Refusal {
  return { ok: false, code, why, cure }
}
