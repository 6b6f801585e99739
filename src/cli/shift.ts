/** `guise shift`, `guise try`, `guise undo`: make a workload wear another persona, for good or for a while, and back. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import type { ShiftRecord } from '../model/records.ts'
import { action, CliError, type Client, clientOf, print } from './client.ts'
import { findWorkload, listAll } from './find.ts'

type Accepted = {
  readonly shift_id: string
  readonly plan_id: string | null
  readonly state: string
  readonly note?: string
}
const ENDED = new Set(['confirmed', 'rolled-back', 'expired', 'refused'])
const PATIENCE_MS = 120_000

export function register(program: Command): void {
  program
    .command('shift')
    .description('make a workload wear a persona')
    .argument('<workload>')
    .argument('<persona>')
    .option('--ttl <span>', 'ends by itself: 90s, 15m, 4h, 7d')
    .option('--why <text>', 'the reason, for the record')
    .option('--wait', 'until it is confirmed or rolled back')
    .action(action(shift))
  program
    .command('try')
    .description('wear a persona for a while, then back by itself')
    .argument('<workload>')
    .argument('<persona>')
    .requiredOption('--for <span>', 'how long: 60s, 15m')
    .option('--wait', 'until it is confirmed or rolled back')
    .action(action(shift))
  program.command('undo').description('end the newest shift of a workload').argument('<workload>').action(action(undo))
}

async function shift(wanted: string, persona: string, command: Command): Promise<void> {
  const options = command.opts<{ ttl?: string; for?: string; why?: string; wait?: true }>()
  const client = clientOf(command)
  const ttl = options.ttl ?? options.for
  if (ttl !== undefined && !/^[1-9]\d{0,4}(s|m|h|d)$/.test(ttl))
    throw new CliError(`--${options.ttl === undefined ? 'for' : 'ttl'} ${ttl} is no span. Write 90s, 15m, 4h or 7d.`, 2)
  const { id } = await findWorkload(client, wanted)
  const accepted = await client.send<Accepted>('POST', '/v1/shifts', {
    workload: id,
    persona,
    ...(ttl === undefined ? {} : { ttl }),
    ...(options.why === undefined ? {} : { why: options.why }),
  })
  if (options.wait !== true || accepted.plan_id === null)
    return print(command, accepted, (value) => acceptedText(value, wanted, persona))
  const done = await settle(client, accepted.shift_id)
  print(
    command,
    { ...accepted, state: done.state },
    () => `${wanted} → ${persona}: ${done.state}. \`guise why ${wanted}\` says more.`,
  )
  if (done.state !== 'confirmed') process.exitCode = 1
}

function acceptedText({ state, plan_id, note }: Accepted, workload: string, persona: string): string {
  const said =
    plan_id === null
      ? `${workload}: no plan was needed for ${persona} (${state}).`
      : `${workload} → ${persona}: ${state}, plan ${plan_id}. Follow it with \`guise plan show ${plan_id}\`.`
  return note === undefined ? said : `${said}\n${note}`
}

async function settle(client: Client, id: string): Promise<ShiftRecord> {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    const record = await client.get<ShiftRecord>(`/v1/shifts/${encodeURIComponent(id)}`)
    if (ENDED.has(record.state)) return record
    if (Date.now() > end)
      throw new CliError(`The shift is still ${record.state}. See \`guise plan list\`; it may wait for approval.`, 1)
    await wait(500)
  }
}

async function undo(wanted: string, command: Command): Promise<void> {
  const client = clientOf(command)
  const { id } = await findWorkload(client, wanted)
  const shifts = await listAll<ShiftRecord>(client, '/v1/shifts')
  const newest = shifts
    .filter((one) => one.workload === id && !['rolled-back', 'expired', 'refused'].includes(one.state))
    .sort((a, b) => b.createdAt - a.createdAt)[0]
  if (newest === undefined) throw new CliError(`${wanted} has no shift to undo. See \`guise get shifts\`.`, 1)
  const accepted = await client.send<Accepted>('DELETE', `/v1/shifts/${encodeURIComponent(newest.id)}`)
  print(command, accepted, () =>
    accepted.state === 'refused'
      ? `${wanted}: the shift to ${newest.to.name} is withdrawn; it was not in force yet.`
      : `${wanted}: the shift to ${newest.to.name} is being undone${accepted.plan_id === null ? '' : `, plan ${accepted.plan_id}`}.`,
  )
}
