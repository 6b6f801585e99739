/** The gate of workloads, from what the store holds of them now; and what stands before a proposal. */
import { BAR } from '../learn/gate/verdict.ts'
import type { GateReport } from '../model/gate.ts'
import type { TenantId } from '../model/ids.ts'
import type { ProposalRecord } from '../model/proposal.ts'
import { type GateInputs, gateReport, MAX_STEPS } from './learnt-gate.ts'
import { Problem } from './problem.ts'
import type { RouteDeps } from './route.ts'

export type Asked = Pick<GateInputs, 'of' | 'members' | 'all' | 'outside' | 'bar'>

export async function askGate(deps: RouteDeps, asked: Asked): Promise<GateReport> {
  const now = deps.clock()
  const since = now - deps.store().conversations.learntMs
  const [first] = asked.members
  const ids = asked.members.map(({ id }) => id)
  const steps = first === undefined ? [] : await deps.store().conversations.steps(first.tenant, ids, since, MAX_STEPS)
  return gateReport({ ...asked, steps, since, now })
}

export async function askProposal(
  deps: RouteDeps,
  tenant: TenantId,
  proposal: ProposalRecord,
  bar = BAR,
): Promise<GateReport> {
  const all = await deps.store().workloads.all(tenant)
  const own = new Set(proposal.workloads)
  const members = all.filter(({ id }) => own.has(id))
  return askGate(deps, { of: { kind: 'Persona', name: proposal.name }, members, all, outside: 'one', bar })
}

/** What was learnt becomes what is allowed only when little enough is missing, or a person says so knowingly. */
export async function standGate(
  deps: RouteDeps,
  tenant: TenantId,
  proposal: ProposalRecord,
  despite: 'unseen-traffic' | undefined,
): Promise<GateReport> {
  const report = await askProposal(deps, tenant, proposal)
  if (report.verdict === 'ready' || despite === 'unseen-traffic') return report
  const fact = `Its rules are learnt from too little: ${report.sentence} (${report.why}).`
  throw new Problem(
    409,
    'unseen-traffic',
    fact,
    'Wait, or accept it despite unseen traffic and add the rules it lacks.',
  )
}
