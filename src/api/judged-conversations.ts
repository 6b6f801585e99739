/** Conversations with the verdict of the rules in force now and its reason, and the peer's name when it is one of ours. */
import { explainFlow } from '../compile/evaluate.ts'
import type { AgentState } from '../model/desired.ts'
import type { ConversationRecord, WorkloadRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'

export type JudgedConversation = ConversationRecord & {
  /** `would-deny`: the rules say deny, the agent's mode only counts it. Absent: no rules in force, or over the budget. */
  readonly verdict?: 'allow' | 'deny' | 'would-deny'
  readonly why?: Why
  readonly peerName: string | null
}

/** The evaluator is slow and obvious: it walks every set for every flow. Above this much walking the rest stays unjudged. */
const MAX_MEMBERS_WALKED = 500_000

export function judgeConversations(
  workload: WorkloadRecord,
  state: AgentState | null,
  conversations: readonly ConversationRecord[],
  others: readonly WorkloadRecord[],
  now: number,
): JudgedConversation[] {
  const names = new Map(others.flatMap((other) => other.report.addresses.map((a) => [a, other.report.name] as const)))
  const { key, interface: face, addresses } = workload.report
  const judged = state?.workloads.some((desired) => desired.key === key) === true ? state : null
  const members =
    judged === null ? 0 : judged.neverBlock.length + judged.sets.reduce((n, set) => n + set.members.length, 0)
  let walked = 0
  return conversations.map((conversation) => {
    const named = { ...conversation, peerName: names.get(conversation.peer) ?? null }
    const own = addresses.find((address) => address.includes(':') === conversation.peer.includes(':'))
    walked += members
    if (judged === null || own === undefined || walked > MAX_MEMBERS_WALKED) return named
    const initiated = conversation.direction === 'initiated'
    const answer = explainFlow(
      judged,
      [{ key, interface: face, addresses, driver: 'netns' }],
      {
        from: initiated ? own : conversation.peer,
        to: initiated ? conversation.peer : own,
        protocol: protocolOf(conversation.proto),
        port: conversation.port,
      },
      { now, reflexes: [] },
    )
    const { verdict, why } = initiated ? answer.egress : answer.ingress
    return { ...named, verdict: verdict === 'deny' && judged.mode !== 'enforce' ? 'would-deny' : verdict, why }
  })
}

function protocolOf(proto: number): 'tcp' | 'udp' | 'icmp' | number {
  if (proto === 6) return 'tcp'
  if (proto === 17) return 'udp'
  return proto === 1 || proto === 58 ? 'icmp' : proto
}
