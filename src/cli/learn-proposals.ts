/** `guise learn proposals|proposal|feedback`: personas that were proposed, a person's word on them, and on what a workload is. */
import type { Command } from 'commander'
import type { GateReport } from '../model/gate.ts'
import { plainText } from '../model/plain-text.ts'
import type { ProposalDetail, ProposalRecord } from '../model/proposal.ts'
import { action, clientOf, print } from './client.ts'
import { findWorkload } from './find.ts'
import { gateText } from './learn-gate.ts'
import { ago, table } from './table.ts'

export function registerProposals(learn: Command): void {
  learn
    .command('proposals')
    .description('personas that were proposed: strangers alike for a while')
    .option('--all', 'those that were accepted, rejected or merged, too')
    .action(action(list))
  const proposal = learn.command('proposal').description('one proposal: show, accept, reject, rename, merge, split')
  proposal
    .command('show')
    .description('what it is like, who, and the least rules that fit')
    .argument('<id>')
    .action(action(show))
  word(proposal, 'accept', 'write its persona, and recognise its kind from now on; nobody wears it by that').option(
    '--despite-unseen',
    'although too much of their traffic was not seen yet',
  )
  word(proposal, 'reject', 'it is no persona: it is not proposed again')
  proposal
    .command('rename')
    .description('call it something else')
    .argument('<id>')
    .argument('<name>')
    .action(action((id: string, name: string, command: Command) => send(command, id, { do: 'rename', name })))
  proposal
    .command('merge')
    .description('make it part of another')
    .argument('<id>')
    .argument('<into>')
    .action(action((id: string, into: string, command: Command) => send(command, id, { do: 'merge', into })))
  proposal
    .command('split')
    .description('these workloads leave it, and are proposed by themselves')
    .argument('<id>')
    .argument('<workload...>')
    .action(action(split))
  learn
    .command('feedback')
    .description('say what a workload is: kept, and learnt from its last windows')
    .argument('<workload>')
    .argument('<persona>')
    .action(action(feedback))
}

function word(proposal: Command, act: 'accept' | 'reject', description: string): Command {
  return proposal
    .command(act)
    .description(description)
    .argument('<id>')
    .action(
      action((id: string, command: Command) => {
        const { despiteUnseen } = command.opts<{ despiteUnseen?: true }>()
        return send(command, id, { do: act, ...(despiteUnseen === true ? { despite: 'unseen-traffic' } : {}) })
      }),
    )
}

async function list(command: Command): Promise<void> {
  const { all } = command.opts<{ all?: true }>()
  const page = await clientOf(command).get<{ items: ProposalRecord[] }>(
    `/v1/proposals${all === true ? '' : '?state=open'}`,
  )
  print(command, page, ({ items }) => proposalTable(items, Date.now()))
}

async function show(id: string, command: Command): Promise<void> {
  const found = await clientOf(command).get<ProposalDetail>(`/v1/proposals/${encodeURIComponent(id)}`)
  const gate = await clientOf(command).get<GateReport>(`/v1/proposals/${encodeURIComponent(id)}/gate`)
  print(command, { ...found, gate }, (one) => `${proposalText(one)}\n\n${gateText(gate)}`)
}

async function send(command: Command, id: string, act: object): Promise<void> {
  const record = await clientOf(command).send<ProposalRecord>('POST', `/v1/proposals/${encodeURIComponent(id)}`, act)
  print(command, record, said)
}

async function split(id: string, workloads: string[], command: Command): Promise<void> {
  const client = clientOf(command)
  const found: string[] = []
  for (const one of workloads) found.push((await findWorkload(client, one)).id)
  await send(command, id, { do: 'split', workloads: found })
}

async function feedback(wanted: string, persona: string, command: Command): Promise<void> {
  const client = clientOf(command)
  const { id, report } = await findWorkload(client, wanted)
  const lesson = await client.send<{ persona: string; windows: number }>('POST', `/v1/workloads/${id}/feedback`, {
    persona,
  })
  print(command, lesson, ({ persona: name, windows }) =>
    [
      `${plainText(report.name, 128)} is ${name}: kept, and learnt from ${windows} of its windows.`,
      'Its belief follows within three windows; nobody wears anything else by that.',
    ].join('\n'),
  )
}

function said({ id, state, name, became }: ProposalRecord): string {
  if (state === 'accepted')
    return `Proposal ${id} is the persona ${became}. Nobody wears it yet: guise shift WORKLOAD ${JSON.stringify(name)}`
  if (state === 'rejected') return `Proposal ${id} is rejected, and not made again.`
  return `Proposal ${id}: ${name}.`
}

export function proposalTable(items: readonly ProposalRecord[], now: number): string {
  return table(
    ['PROPOSAL', 'STATE', 'NAME', 'WORKLOADS', 'NEAREST', 'RULES', 'SINCE'],
    items.map((one) => [
      one.id,
      one.state,
      plainText(one.name, 63),
      String(one.workloads.length),
      one.nearest.map(({ persona, distance }) => `${persona} ${distance.toFixed(1)}`)[0] ?? '-',
      String(one.rules.length),
      ago(one.createdAt, now),
    ]),
    'Nothing is proposed: every workload is explained by a persona, or was not seen for long enough.',
  )
}

export function proposalText(one: ProposalDetail): string {
  const percent = (share: number) => `${Math.round(100 * share)} %`
  const shown = new Set(one.clusters.flatMap(({ exemplars }) => exemplars.map(({ workload }) => workload)))
  return [
    `${one.id}  ${plainText(one.name, 63)}  ${one.state}`,
    plainText(one.description, 500),
    `Workloads: ${one.workloads.map((id) => `${plainText(one.names[id] ?? id, 128)}${shown.has(id) ? '*' : ''}`).join(', ')} (* shows it best)`,
    `Nearest: ${one.nearest.map(({ persona, distance }) => `${persona} ${distance.toFixed(1)}`).join(', ')} (1.0 = as far as a stranger may be)`,
    '',
    table(
      ['ALLOW', 'WORKLOADS', 'FLOWS'],
      one.rules.map(({ rule, workloads, of, flowShare }) => [
        `${rule.direction} ${JSON.stringify(rule.peers)} ${JSON.stringify(rule.ports)}`,
        `${workloads} of ${of}`,
        percent(flowShare),
      ]),
      'No rule: nothing that most of them did can be allowed by meaning.',
    ),
    '',
    table(
      ['LEFT OUT', 'WHY', 'FLOWS'],
      one.leftOut.map(({ what, why, flows }) => [plainText(what, 80), why, String(flows)]),
      'Nothing is left out.',
    ),
  ].join('\n')
}
