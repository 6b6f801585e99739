/** `guise machine … --agent A`: the same acts on a host that one is not on, by an order through the server, waited for until its host has answered. */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { isOver, type MachineAct, type MachineOrderRecord, type MachinesOf } from '../model/machine-order.ts'
import { action, CliError, type Client, clientOf, print } from './client.ts'
import { table } from './table.ts'

const [LOOK_MS, WITHIN_MS] = [500, 120_000]
const pathOf = (agent: string) => `/v1/agents/${encodeURIComponent(agent)}/machines`

export function orderMachine(command: Command, agent: string, machine: string, act: MachineAct): Promise<void> {
  return action(async (own: Command) => {
    const client = clientOf(own)
    const headers = { 'idempotency-key': randomUUID() }
    const asked = await client.send<MachineOrderRecord>('POST', pathOf(agent), { machine, act }, headers)
    process.stderr.write(`order ${asked.id}: ${asked.state}\n`)
    show(own, agent, asked.state === 'waits' ? asked : await ended(client, agent, asked))
  })({}, command)
}

/** Of an order of somebody else. */
export function approveOrder(command: Command, agent: string, order: string): Promise<void> {
  return action(async (own: Command) => {
    const client = clientOf(own)
    const sent = await client.send<MachineOrderRecord>('POST', `${pathOf(agent)}/${encodeURIComponent(order)}`, {})
    show(own, agent, await ended(client, agent, sent))
  })({}, command)
}

export function listMachines(command: Command, agent: string): Promise<void> {
  return action(async (own: Command) => {
    print(own, await clientOf(own).get<MachinesOf>(pathOf(agent)), ({ machines, orders }) => {
      const rows = machines.map((one) => [
        ...[one.name, one.power, `${one.memoryMb} MB`, `${one.cpus}`, one.link ?? '', one.keeper, one.uuid],
      ])
      const asked = orders.map((one) => [one.id, one.machine, one.act.do, one.by, one.state, one.why])
      const empty = `Agent ${agent} told of no machine.`
      return [
        table(['name', 'power', 'memory', 'processors', 'link', 'keeper', 'uuid'], rows, empty),
        ...(asked.length === 0 ? [] : [table(['order', 'machine', 'act', 'by', 'state', 'why'], asked, '')]),
      ].join('\n\n')
    })
  })({}, command)
}

async function ended(client: Client, agent: string, asked: MachineOrderRecord): Promise<MachineOrderRecord> {
  let last = asked
  for (const end = performance.now() + WITHIN_MS; !isOver(last); await wait(LOOK_MS)) {
    if (performance.now() > end)
      throw new CliError(`Order ${asked.id} is ${last.state}. Look again with guise machine list --agent ${agent}.`, 1)
    const { orders } = await client.get<MachinesOf>(pathOf(agent))
    const found = orders.find(({ id }) => id === asked.id) ?? last
    if (found.state !== last.state) process.stderr.write(`order ${asked.id}: ${found.state}\n`)
    last = found
  }
  return last
}

function show(command: Command, agent: string, record: MachineOrderRecord): void {
  const { id, machine, act, state, why } = record
  if (isOver(record) && state !== 'done')
    throw new CliError(`${machine} of ${agent}: ${act.do} ${state}: ${why}.`, 1, record)
  print(command, record, () =>
    state === 'waits'
      ? `Order ${id} waits: to ${act.do} ${machine}, another person has to approve it: guise machine approve ${id} --agent ${agent}`
      : `${machine}: ${why}.`,
  )
}
