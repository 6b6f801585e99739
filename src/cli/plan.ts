/** `guise plan …`: what would change, who must say yes, and the way back. */

import type { Command } from 'commander'
import { personOf } from '../model/actor.ts'
import { holdText } from '../model/containment.ts'
import { plainText } from '../model/plain-text.ts'
import type { ApprovalClass } from '../model/plan.ts'
import type { PlanPreview, RuleDiff, RuleText, StepPreview } from '../model/plan-preview.ts'
import type { PlanSummary } from '../model/plan-summary.ts'
import type { Halt, PlanRecord } from '../model/records.ts'
import { action, CliError, clientOf, print } from './client.ts'
import { listAll } from './find.ts'
import { planTable } from './get.ts'
import { terminalText } from './terminal-text.ts'

export function register(program: Command): void {
  const plan = program
    .command('plan')
    .description('plans: list, show, diff, approve, confirm, rollback, authority, resume')
  plan
    .command('list')
    .description('newest first')
    .option('--state <states>', 'open, or states with commas')
    .option('--filter <words>', 'text, state:NAME, by:NAME or a generation')
    .action(action(list))
  plan.command('show').description('one plan with its reasons').argument('<id>').action(action(show))
  plan
    .command('diff')
    .description('what it changes: rules and facets, by meaning')
    .argument('<id>')
    .option('--nft', 'the lines of each agent’s nft table instead')
    .action(action(diff))
  plan
    .command('approve')
    .description('say yes')
    .argument('<id>')
    .option('--note <text>', 'for the record')
    .option('--sign <file>', 'sign it with this key, for hosts whose floor asks for that (guise approver keygen)')
    .action(action(approve))
  plan
    .command('confirm')
    .description('keep what is applied')
    .argument('<id>')
    .action(action((id: string, command: Command) => move(id, 'confirm', {}, command)))
  plan
    .command('rollback')
    .description('back to what was before')
    .argument('[id]')
    .option('--to <generation>', 'to what was in force in that generation, and hold it')
    .option('--preview', 'with --to: say what that would change, change nothing')
    .option('--why <text>', 'for the record')
    .action(action(rollback))
  plan
    .command('authority')
    .description('what automation may do by itself: approvals, caps, modes')
    .action(action(authority))
  plan
    .command('resume')
    .description('let automation go on: after a broken cap, or a rollback to a generation')
    .option('--why <text>', 'for the record')
    .action(action(resume))
}

async function list(command: Command): Promise<void> {
  const { state, filter } = command.opts<{ state?: string; filter?: string }>()
  const query = new URLSearchParams({
    ...(state === undefined ? {} : { state }),
    ...(filter === undefined ? {} : { q: filter }),
  })
  const items = await listAll<PlanSummary>(clientOf(command), `/v1/plans${query.size === 0 ? '' : `?${query}`}`)
  print(command, { items, next: null }, () => planTable(items, Date.now()))
}

async function preview(id: string, query: '' | '?with=nft', command: Command): Promise<PlanPreview> {
  return clientOf(command).get<PlanPreview>(`/v1/plans/${encodeURIComponent(id)}/preview${query}`)
}

async function show(id: string, command: Command): Promise<void> {
  print(command, await preview(id, '', command), showText)
}

async function diff(id: string, command: Command): Promise<void> {
  const asNft = command.opts<{ nft?: true }>().nft === true
  print(command, await preview(id, asNft ? '?with=nft' : '', command), asNft ? nftText : diffText)
}

async function approve(id: string, command: Command): Promise<void> {
  const { sign, ...note } = command.opts<{ note?: string; sign?: string }>()
  if (sign === undefined) return move(id, 'approve', note, command)
  const { readKey, signedText, signPlan } = await import('./approver.ts')
  const key = readKey(sign)
  const { plan } = await clientOf(command).get<PlanRecord>(`/v1/plans/${encodeURIComponent(id)}`)
  process.stderr.write(`${terminalText(`Signing:\n${signedText(plan.agents)}`)}\n`)
  return move(id, 'approve', { note: note.note ?? '', signatures: signPlan(plan.agents, key) }, command)
}

async function move(id: string, verb: string, body: object, command: Command): Promise<void> {
  const record = await clientOf(command).send<PlanRecord>('POST', `/v1/plans/${encodeURIComponent(id)}/${verb}`, body)
  print(command, record, ({ plan, state }) => `Plan ${plan.id} (generation ${plan.generation.n}) is ${state}.`)
}

async function rollback(id: string | undefined, command: Command): Promise<void> {
  const { to, why, preview: isLook } = command.opts<{ to?: string; why?: string; preview?: true }>()
  const body = why === undefined ? {} : { why }
  if (id !== undefined && isLook === true) throw new CliError('--preview goes with --to GENERATION.', 2)
  if (id !== undefined && to !== undefined)
    throw new CliError(`A plan or --to GENERATION, not both. Leave out ${id}, or --to ${to}.`, 2)
  if (id !== undefined) return move(id, 'rollback', body, command)
  if (to === undefined || !/^\d+$/.test(to))
    throw new CliError('Say which plan, or --to GENERATION. See `guise plan list`.', 2)
  if (isLook === true) {
    const look = await clientOf(command).get<PlanPreview>(`/v1/plans/rollback/preview?to=${to}`)
    return print(command, look, lookBackText)
  }
  const record = await clientOf(command).send<PlanRecord>('POST', '/v1/plans/rollback', { to: Number(to), ...body })
  print(command, record, ({ plan, state }) =>
    [
      `Plan ${plan.id} (generation ${plan.generation.n}) restores generation ${to}; it is ${state}.`,
      'Only containments and what is spared are planned until `guise plan resume`.',
    ].join('\n'),
  )
}

export function lookBackText(look: PlanPreview): string {
  const { blast_radius: blast } = look
  return [
    `Back from generation ${look.in_force ?? 'none'} to what was in force in generation ${look.generation} (nothing was changed)`,
    `Approval: ${look.approval_words}`,
    `Changes ${blast.workloads} of ${blast.all} workloads, cuts ${blast.conversationsCut} recent conversation(s)`,
    ...blast.cut.map((one) => `  cuts ${one}`),
    diffText(look),
    'After it only containments and what is spared are planned until `guise plan resume`.',
  ].join('\n')
}

type Standing = { readonly tripped: Halt | null; readonly pinned: Halt | null }

async function resume(command: Command): Promise<void> {
  const { why } = command.opts<{ why?: string }>()
  const standing = await clientOf(command).send<Standing>(
    'POST',
    '/v1/authority/resume',
    why === undefined ? {} : { why },
  )
  print(command, standing, () => 'Automation goes on.')
}

async function authority(command: Command): Promise<void> {
  const found = await clientOf(command).get<AuthorityTable>('/v1/authority')
  print(command, found, authorityText)
}

type AuthorityTable = Standing & {
  readonly modes: readonly { readonly mode: string; readonly words: string }[]
  readonly caps: readonly { readonly text: string }[]
  readonly classes: readonly { readonly approval: ApprovalClass; readonly text: string }[]
  readonly failSafeOff: readonly string[]
}
const PEOPLE = { auto: 'nobody', one: 'one person', two: 'two people' } as const satisfies Record<ApprovalClass, string>

export function authorityText({ modes, caps, classes, failSafeOff, tripped, pinned }: AuthorityTable): string {
  const halts = [tripped, pinned].flatMap((halt) =>
    halt === null
      ? []
      : [`Automation stands still since ${new Date(halt.at).toISOString()}: ${plainText(halt.why.text, 500)}`],
  )
  return [
    ...halts,
    'Approved by:',
    ...classes.map((row) => `  ${PEOPLE[row.approval].padEnd(11)} ${row.text}`),
    'Automation changes at most:',
    ...caps.map(({ text }) => `  ${text}`),
    'Modes, of an agent and of a policy; the stricter holds:',
    ...modes.map(({ mode, words }) => `  ${mode.padEnd(11)} ${words}`),
    ...(failSafeOff.length === 0 ? [] : [`Fail-safe paths taken away: ${failSafeOff.join(', ')}`]),
  ].join('\n')
}

export function showText(plan: PlanPreview): string {
  const { blast_radius: blast } = plan
  const from = plan.from_generation === null ? '' : `${plan.from_generation} → `
  const lines = [
    `${plan.title}`,
    `Plan ${plan.id}, generation ${from}${plan.generation}: ${plan.state}, ${plan.direction}, proposed by ${personOf(plan.proposed_by)}`,
    `Approval: ${plan.approval_words}`,
    ...approvalLines(plan),
    `Undone by itself within ${Math.round(plan.rollback_within_ms / 1000)} s unless confirmed`,
    `Changes ${blast.workloads} of ${blast.all} workloads, cuts ${blast.conversationsCut} recent conversation(s)`,
    ...blast.cut.map((one) => `  cuts ${one}`),
    ...(blast.loses ?? []).map(({ name }) => `  ${name} loses a path`),
    ...plan.agents.map(({ host, live, hash }) => `Agent ${host}: ${LIVE[live]}${hash === null ? '' : ` (${hash})`}`),
  ]
  for (const { host, text } of plan.beside) lines.push(`On ${host} others drop, too, at ${text}`)
  for (const step of plan.steps) {
    lines.push(stepLine(step))
    for (const why of step.why) lines.push(`  because ${why.text} [${why.rule}]`)
    if (step.containment !== null)
      lines.push(`  contained (${holdText(step.containment)}) until ${new Date(step.containment.until).toISOString()}`)
  }
  lines.push(...moreText(plan))
  for (const one of plan.skipped) lines.push(`${one.name} left out: ${one.why.text}`)
  return lines.join('\n')
}
/** Who said yes, and who still has to; nobody is asked twice, and nobody for what he proposed. */
function approvalLines(plan: PlanPreview): string[] {
  const given = plan.approvals.map(({ by, note, at, signed }) => {
    const names = signed.length === 0 ? '' : ` and signed for ${signed.length} of ${plan.agents.length} agents`
    return `  ${personOf(by)} approved it${names} at ${new Date(at).toISOString()}${note === '' ? '' : `: ${note}`}`
  })
  const open = plan.approvals_needed - plan.approvals.length
  if ((plan.state !== 'proposed' && plan.state !== 'shadowed') || open <= 0) return given
  const not = [plan.proposed_by, ...plan.approvals.map(({ by }) => by)].map(personOf).filter((one) => one !== 'guise')
  const others = not.length === 0 ? '' : ` other than ${not.join(' and ')}`
  return [...given, `  waits for ${open} more ${open === 1 ? 'person' : 'people'}${others}`]
}

const LIVE = {
  equal: 'its kernel holds exactly this table',
  differs: 'its kernel holds another table',
  waits: 'not at this generation',
  unknown: 'its table was not compared',
} as const satisfies Record<PlanPreview['agents'][number]['live'], string>

const stepLine = ({ name, from, to }: StepPreview) => `${name}: ${from?.name ?? 'nothing'} → ${to.name}`

const moreText = ({ steps_more: n }: Pick<PlanPreview, 'steps_more'>) => (n > 0 ? [`and ${n} more workloads`] : [])

export function diffText(plan: Pick<PlanPreview, 'steps' | 'steps_more'>): string {
  const lines = plan.steps.flatMap((step) => {
    const changes = [
      ...rulesText('out', step.rules.egress),
      ...rulesText('in', step.rules.ingress),
      ...step.facets.changed.map(
        ({ facet, before, after }) => `  ${facet}: ${before ?? 'as found'} → ${after ?? 'as found'}`,
      ),
    ]
    return changes.length === 0 ? [] : [stepLine(step), ...changes]
  })
  lines.push(...moreText(plan))
  return lines.length === 0 ? 'No rules change; only address sets or settings do.' : lines.join('\n')
}

function rulesText(direction: 'in' | 'out', { removed, added, kept, more }: RuleDiff): string[] {
  const line = (sign: string, { verdict, peer, service, why }: RuleText): string =>
    `${sign} ${direction} ${verdict} ${direction === 'out' ? 'to' : 'from'} ${peer}, ${service} [${why.rule}${why.p === undefined ? '' : `, ${why.persona} p ${why.p.toFixed(2)}`}]`
  const rest = (sign: string, n: number) => (n === 0 ? [] : [`${sign} ${direction} and ${n} more`])
  const late = overtaken(kept)
  const changes = [
    ...removed.map((rule) => line('-', rule)),
    ...rest('-', more.removed),
    ...added.map((rule) => line('+', rule)),
    ...rest('+', more.added),
    ...late.map((rule) => `${line('~', rule)} was rule ${rule.was}, is rule ${rule.n}`),
  ]
  const same = kept.length - late.length + more.kept
  return changes.length === 0 || same === 0 ? changes : [...changes, `  ${direction} ${same} unchanged`]
}

/** The first rule that fits decides: one that now stands behind others it stood before is a change as well. */
function overtaken(kept: readonly RuleText[]): RuleText[] {
  let furthest = 0
  return kept.filter(({ was = furthest }) => {
    const isLate = was < furthest
    furthest = Math.max(furthest, was)
    return isLate
  })
}

function nftText(plan: PlanPreview): string {
  return plan.agents
    .flatMap(({ host, hash, nft }) => [
      `# ${host} ${hash ?? ''}`.trimEnd(),
      ...(nft === undefined ? ['# too large to show here'] : nft.lines.map(({ sign, text }) => `${sign} ${text}`)),
      ...(nft !== undefined && nft.more > 0 ? [`# and ${nft.more} more lines`] : []),
    ])
    .join('\n')
}
