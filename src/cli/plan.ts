/** `guise plan …`: what would change, who must say yes, and the way back. */
import type { Command } from 'commander'
import type { ResolvedRule } from '../model/desired.ts'
import type { PlanRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'
import { action, CliError, clientOf, print } from './client.ts'
import { listAll } from './find.ts'
import { planTable } from './get.ts'

type Delta = {
  readonly added: readonly ResolvedRule[]
  readonly removed: readonly ResolvedRule[]
  readonly otherwise: { readonly before: string | null; readonly after: string }
}
type Preview = {
  readonly id: string
  readonly state: string
  readonly direction: string
  readonly approval: string
  readonly blast_radius: PlanRecord['plan']['blastRadius']
  readonly steps: readonly {
    readonly workload: string
    readonly from: { readonly name: string } | null
    readonly to: { readonly name: string }
    readonly why: readonly Why[]
    readonly rules: { readonly egress: Delta; readonly ingress: Delta }
    readonly containment: { readonly directions: string; readonly until: number } | null
  }[]
  readonly skipped: readonly { readonly workload: string; readonly why: Why }[]
  readonly rollback_within_ms: number
}

export function register(program: Command): void {
  const plan = program.command('plan').description('plans: list, show, diff, approve, confirm, rollback')
  plan.command('list').description('newest first').action(action(list))
  for (const name of ['show', 'diff'] as const)
    plan
      .command(name)
      .description(name === 'show' ? 'one plan with its reasons' : 'the rules it adds and takes away')
      .argument('<id>')
      .action(action((id: string, command: Command) => preview(id, name, command)))
  plan
    .command('approve')
    .description('say yes')
    .argument('<id>')
    .option('--note <text>', 'for the record')
    .action(action((id: string, command: Command) => move(id, 'approve', command.opts(), command)))
  plan
    .command('confirm')
    .description('keep what is applied')
    .argument('<id>')
    .action(action((id: string, command: Command) => move(id, 'confirm', {}, command)))
  plan
    .command('rollback')
    .description('back to what was before')
    .argument('[id]')
    .option('--to <generation>', 'undo the plan after this generation')
    .option('--why <text>', 'for the record')
    .action(action(rollback))
}

async function list(command: Command): Promise<void> {
  const items = await listAll<PlanRecord>(clientOf(command), '/v1/plans', 1_000)
  print(command, { items, next: null }, () => planTable(items, Date.now()))
}

async function preview(id: string, form: 'show' | 'diff', command: Command): Promise<void> {
  const found = await clientOf(command).get<Preview>(`/v1/plans/${encodeURIComponent(id)}/preview`)
  print(command, found, (value) => (form === 'show' ? showText(value) : diffText(value)))
}

async function move(id: string, verb: string, body: object, command: Command): Promise<void> {
  const record = await clientOf(command).send<PlanRecord>('POST', `/v1/plans/${encodeURIComponent(id)}/${verb}`, body)
  print(command, record, ({ plan, state }) => `Plan ${plan.id} (generation ${plan.generation.n}) is ${state}.`)
}

async function rollback(id: string | undefined, command: Command): Promise<void> {
  const { to, why } = command.opts<{ to?: string; why?: string }>()
  const body = why === undefined ? {} : { why }
  if (id !== undefined) return move(id, 'rollback', body, command)
  if (to === undefined || !/^\d+$/.test(to))
    throw new CliError('Say which plan, or --to GENERATION. See `guise plan list`.', 2)
  const plans = await listAll<PlanRecord>(clientOf(command), '/v1/plans', 1_000)
  const next = plans.filter((one) => one.plan.generation.n > Number(to) && one.state === 'confirmed')
  if (next.length === 0)
    throw new CliError(`No confirmed plan is newer than generation ${to}. See \`guise plan list\`.`, 1)
  if (next.length > 1)
    throw new CliError(
      `${next.length} plans are newer than generation ${to}. Roll them back one by one, newest first: ${next.map((one) => one.plan.id).join(', ')}.`,
      1,
    )
  return move(next[0]!.plan.id, 'rollback', body, command)
}

export function showText(plan: Preview): string {
  const lines = [
    `Plan ${plan.id}: ${plan.direction}, ${plan.state}, approval ${plan.approval}; undone by itself within ${Math.round(plan.rollback_within_ms / 1000)} s unless confirmed`,
    `Touches ${plan.blast_radius.workloads} workload(s), cuts ${plan.blast_radius.conversationsCut} recent conversation(s)`,
    ...plan.blast_radius.cut.map((one) => `  cuts ${one}`),
  ]
  for (const step of plan.steps) {
    lines.push(`${step.workload}: ${step.from?.name ?? 'nothing'} → ${step.to.name}`)
    for (const why of step.why) lines.push(`  because ${why.text} [${why.rule}]`)
    if (step.containment !== null)
      lines.push(`  contained (${step.containment.directions}) until ${new Date(step.containment.until).toISOString()}`)
  }
  for (const one of plan.skipped) lines.push(`${one.workload} left out: ${one.why.text}`)
  return lines.join('\n')
}

export function diffText(plan: Preview): string {
  const lines = plan.steps.flatMap((step) => [
    `${step.workload} ${step.from?.name ?? 'nothing'} → ${step.to.name}`,
    ...(['egress', 'ingress'] as const).flatMap((direction) => {
      const { added, removed, otherwise } = step.rules[direction]
      return [
        ...removed.map((rule) => `- ${direction} ${rule.verdict} ${rule.why.text}`),
        ...added.map((rule) => `+ ${direction} ${rule.verdict} ${rule.why.text}`),
        ...(otherwise.before === otherwise.after
          ? []
          : [`  ${direction} otherwise ${otherwise.before ?? 'nothing'} → ${otherwise.after}`]),
      ]
    }),
  ])
  return lines.length === 0 ? 'No rules change; only address sets or settings do.' : lines.join('\n')
}
