/** Which recent conversations a change would cut: allowed before, denied after, by name. */
import { parseAddress } from '../model/address.ts'
import { cuts } from '../model/containment.ts'
import type { AgentState, DesiredState } from '../model/desired.ts'
import type { ConversationRecord } from '../model/records.ts'
import { type Judgement, judge, liesIn, type Talk } from './judge.ts'

export type BlastRadius = {
  readonly workloads: number
  readonly conversationsCut: number
  readonly cut: readonly string[]
}

const MAX_NAMED = 50

/** `states` pairs what is with what would be, an agent each; `nameOf` turns ids and addresses into what people call them. */
export function blastRadius(
  states: readonly { readonly before: AgentState | null; readonly after: AgentState }[],
  changed: ReadonlySet<string>,
  conversations: readonly ConversationRecord[],
  nameOf: (id: string) => string,
): BlastRadius {
  const cut = new Set<string>()
  for (const { before, after } of states) {
    const was = before === null ? null : looker(before)
    const will = looker(after)
    for (const one of conversations) {
      const wanted = will(one)
      if (wanted === null || one.flows <= one.failed) continue
      const had = was?.(one)?.verdict ?? 'allow'
      if (had === 'allow' && wanted.verdict === 'deny') cut.add(conversationText(one, nameOf))
    }
  }
  const names = [...cut].sort()
  return { workloads: changed.size, conversationsCut: names.length, cut: names.slice(0, MAX_NAMED) }
}

const SWITCHED_OFF: Judgement = {
  verdict: 'deny',
  why: { rule: 'machine/off', text: 'its machine is switched off' },
  rule: null,
}

function looker(state: AgentState): (one: ConversationRecord) => Judgement | null {
  const workloads = new Map(state.workloads.map((one) => [one.workload, one]))
  const sets = new Map(state.sets.map((set) => [set.name, set.members]))
  return (one) => {
    const desired = workloads.get(one.workload)
    if (desired === undefined) return null
    if (desired.machine?.power === 'off') return SWITCHED_OFF
    const direction = one.direction === 'initiated' ? 'egress' : 'ingress'
    return judgeState(desired, direction, one, state, (set) => sets.get(set) ?? [])
  }
}

/** Fail-safe first, then containment (which spares the never-block list), then the rules: the order of the kernel. */
export function judgeState(
  desired: DesiredState,
  direction: 'egress' | 'ingress',
  talk: Talk,
  state: Pick<AgentState, 'failSafe' | 'neverBlock'>,
  members: (set: string) => readonly string[],
): Judgement {
  const pinned = state.failSafe
    .filter((one) => one.direction === direction || one.direction === 'both')
    .map((one) => ({ verdict: 'allow' as const, match: one.match, why: one.why }))
  const { containment } = desired
  const contained = containment !== null && cuts(containment, direction)
  const list =
    contained && !isSpared(talk.peer, state.neverBlock)
      ? { rules: [], otherwise: 'deny' as const, why: containment.why }
      : desired[direction]
  return judge({ ...list, rules: [...pinned, ...list.rules] }, talk, members)
}

function isSpared(peer: string, neverBlock: readonly string[]): boolean {
  const address = parseAddress(peer)
  return address !== null && neverBlock.some((text) => liesIn(address, text))
}

function conversationText(one: ConversationRecord, nameOf: (id: string) => string): string {
  const proto = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp' }[one.proto] ?? `proto ${one.proto}`
  const arrow = one.direction === 'initiated' ? '→' : '←'
  return `${nameOf(one.workload)} ${arrow} ${nameOf(one.peer)} ${proto} ${one.port}`
}
