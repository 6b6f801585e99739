/**
 * Recorded conversations, judged by the rules there are and by those that would be: what would be cut, what let through. The
 * judge is that of the blast radius; only set membership is looked up instead of walked, since thousands are judged.
 */
import { cidrContains, formatAddress, parseAddress, parseCidr } from '../model/address.ts'
import type { AgentState, Verdict } from '../model/desired.ts'
import type { ReplayedConversation } from '../model/preview.ts'
import type { ConversationRecord } from '../model/records.ts'
import { judgeState } from './blast.ts'
import type { Draft } from './dress.ts'
import type { Members } from './judge.ts'

export type ReplayInput = {
  readonly before: ReadonlyMap<string, Draft>
  readonly after: ReadonlyMap<string, Draft>
  readonly failSafe: AgentState['failSafe']
  readonly neverBlock: readonly string[]
  /** Members of every set that either side names, one each. */
  readonly membersBefore: Members
  readonly membersAfter: Members
  readonly conversations: readonly ConversationRecord[]
  /** Of an address of ours. */
  readonly nameOf: (address: string) => string | null
}
export type Replayed = { readonly replayed: number; readonly changed: readonly ReplayedConversation[] }

/** Conversations that came about at all (something answered); the busiest changed ones first. */
export function replay(input: ReplayInput): Replayed {
  const pinned = { failSafe: input.failSafe, neverBlock: [...input.neverBlock] }
  const was = narrowed(input.membersBefore)
  const will = narrowed(input.membersAfter)
  const changed: ReplayedConversation[] = []
  let replayed = 0
  for (const one of input.conversations) {
    const after = input.after.get(one.workload)
    if (after === undefined || one.flows <= one.failed) continue
    replayed++
    const direction = one.direction === 'initiated' ? 'egress' : 'ingress'
    const judged = (draft: Draft, members: (peer: string) => Members) =>
      judgeState(draft.after, direction, one, pinned, members(one.peer))
    const before = input.before.get(one.workload)
    const had: Verdict = before === undefined ? 'allow' : judged(before, was).verdict
    const wanted = judged(after, will)
    if (had === wanted.verdict) continue
    const { workload, peer, port, proto, flows, bytesOut, bytesIn, last, service } = one
    changed.push({
      ...{ workload, peer, port, proto, direction: one.direction, flows, bytesOut, bytesIn, last, service },
      name: after.record.report.name,
      peerName: input.nameOf(peer),
      before: had,
      after: wanted.verdict,
      why: wanted.why,
    })
  }
  return { replayed, changed: changed.sort((a, b) => b.flows - a.flows || (a.name < b.name ? -1 : 1)) }
}

/** An address nobody has (RFC 5737 calls the network a documentation one): stands for members that do not matter. */
const SOMEBODY_ELSE = '192.0.2.255/32'
/** One address: without a length, or with that of its family. */
const HOST = /^[^/]+$|^[0-9.]+\/32$|^[0-9a-f:.]*:[0-9a-f:.]*\/128$/i

/** The members of a set that matter to one peer: the one that holds it, else somebody else; an empty set stays empty. */
function narrowed(members: Members): (peer: string) => Members {
  const indexes = new Map<string, (peer: string) => readonly string[]>()
  return (peer) => (set) => {
    const index = indexes.get(set) ?? indexOf(members(set))
    indexes.set(set, index)
    return index(peer)
  }
}

function indexOf(members: readonly string[]): (peer: string) => readonly string[] {
  if (members.length === 0) return () => []
  const exact = new Set(members.filter((text) => HOST.test(text)).map((text) => text.replace(/\/\d+$/, '')))
  const networks = members.flatMap((text) => {
    const cidr = HOST.test(text) ? null : parseCidr(text)
    return cidr === null ? [] : [{ text, cidr }]
  })
  const known = new Map<string, readonly string[]>()
  const find = (peer: string): readonly string[] => {
    const address = parseAddress(peer)
    if (address !== null && exact.has(formatAddress(address))) return [peer]
    const held = address === null ? undefined : networks.find(({ cidr }) => cidrContains(cidr, address))
    if (held !== undefined) return [held.text]
    return [peer === '192.0.2.255' ? '192.0.2.254/32' : SOMEBODY_ELSE]
  }
  return (peer) => {
    const found = known.get(peer) ?? find(peer)
    known.set(peer, found)
    return found
  }
}
