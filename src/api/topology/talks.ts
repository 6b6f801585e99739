/** What is behind a node or an edge of the map: single conversations with their verdicts, what is dropped first. */
import type { TenantId } from '../../model/ids.ts'
import type { ConversationRecord } from '../../model/records.ts'
import type { Store } from '../../model/store.ts'
import { type Face, type TopologyTalk, type TopologyTalks, usualLevel } from '../../model/topology.ts'
import { isInfrastructure } from './gather.ts'
import { groupFaces } from './group.ts'
import type { Rules, TopologyAsk } from './topology.ts'

const READ = 1_000
const SHOWN = 40
const HOUR_MS = 3_600_000

export type TalksAsk = TopologyAsk & {
  /** Ids of nodes, with commas between. */
  readonly a: string
  /** The nodes at the other end; null = anybody. */
  readonly b: string | null
}

export async function readTalks(
  store: Store,
  rulesOf: (tenant: TenantId) => Promise<Rules>,
  tenant: TenantId,
  ask: TalksAsk,
  now: number,
): Promise<TopologyTalks> {
  const [faces, rules, evidence] = await Promise.all([
    store.topology.faces(tenant),
    rulesOf(tenant),
    store.evidence.since(tenant, ask.from),
  ])
  const accused = new Set(evidence.filter((one) => one.evidence.weight > 0).map((one) => one.workload))
  const groups = groupFaces(faces, accused, { ...ask, level: ask.level ?? usualLevel(faces.length), now })
  const members = (nodes: readonly string[]) => faces.filter((_, i) => nodes.includes(groups.groups[groups.of[i]!]!.id))
  const [a, b] = [ask.a.split(','), ask.b === null ? null : ask.b.split(',')]
  // one end must be ours: what two strangers say to each other is nobody's conversation
  const [near, far] = a.every(isOutside) && b !== null ? [b, a] : [a, b]
  const isLone = near.every(isOutside)
  const ours = isLone ? faces : members(near)
  const peers = isLone ? near : far
  const rows = await store.topology.between(
    tenant,
    Math.min(ask.from, now - HOUR_MS),
    ask.to,
    ours.map((face) => face.id),
    peersOf(peers, faces, members),
    READ,
  )
  const names = new Map(faces.flatMap((face) => face.addresses.map((text) => [text.split('/')[0]!, face] as const)))
  const byId = new Map(faces.map((face) => [face.id, face]))
  const isOfPeer = (row: ConversationRecord) =>
    peers === null ||
    names.has(row.peer) ||
    peers.some((peer) => peer === `a:${row.peer}` || peer === `o:${rules.outsideOf(row.peer)}`)
  const judged = rows
    .filter((row) => isOfPeer(row) && (ask.infrastructure === 'show' || !isInfrastructure(row.proto, row.port)))
    .map((row) => toTalk(row, byId.get(row.workload)!, names.get(row.peer) ?? null, rules, now))
  const cuts = (talk: TopologyTalk) => (talk.verdict === 'deny' ? 2 : talk.verdict === 'would-deny' ? 1 : 0)
  const inSpan = judged.filter((talk) => talk.last >= ask.from)
  return {
    items: onceEach(inSpan)
      .sort((a, b) => cuts(b) - cuts(a) || b.bytes - a.bytes || b.last - a.last)
      .slice(0, SHOWN),
    next: null,
    deniedLastHour: judged
      .filter((talk) => talk.verdict === 'deny' && talk.last >= now - HOUR_MS)
      .reduce((sum, talk) => sum + talk.flows, 0),
  }
}

const isOutside = (node: string) => /^[ao]:/.test(node)
const addresses = (faces: readonly Face[]) => faces.flatMap((face) => face.addresses.map((text) => text.split('/')[0]!))

/** A group of the outside is all that is not ours; which of it is told when it is read. */
function peersOf(
  peers: readonly string[] | null,
  faces: readonly Face[],
  members: (nodes: readonly string[]) => readonly Face[],
): Parameters<Store['topology']['between']>[4] {
  if (peers === null) return { except: [] }
  if (peers.some((peer) => peer.startsWith('o:'))) return { except: addresses(faces) }
  return {
    only: [...peers.filter((peer) => peer.startsWith('a:')).map((peer) => peer.slice(2)), ...addresses(members(peers))],
  }
}

/** Both ends of a flow between two of ours may have counted it: the asker's word stands. */
function onceEach(talks: readonly TopologyTalk[]): TopologyTalk[] {
  const line = (asker: string, asked: string, talk: TopologyTalk) => `${asker}>${asked} ${talk.proto}/${talk.port}`
  const asked = new Set(
    talks.flatMap((talk) =>
      talk.direction === 'initiated' && talk.peerWorkload !== null ? line(talk.workload, talk.peerWorkload, talk) : [],
    ),
  )
  return talks.filter(
    (talk) =>
      talk.direction === 'initiated' ||
      talk.peerWorkload === null ||
      !asked.has(line(talk.peerWorkload, talk.workload, talk)),
  )
}

function toTalk(row: ConversationRecord, own: Face, other: Face | null, { judge }: Rules, now: number): TopologyTalk {
  const isSix = row.peer.includes(':')
  const address = own.addresses.find((text) => text.includes(':') === isSix)?.split('/')[0]
  const word = (face: Face, direction: 'egress' | 'ingress', from: string, to: string) => {
    const rules = judge.rules(face.agent, face.key)
    return rules === null
      ? null
      : judge.judge(rules, direction, judge.traits(from), judge.traits(to), row.proto, row.port, now)
  }
  const [ours, theirs] =
    row.direction === 'initiated' ? (['egress', 'ingress'] as const) : (['ingress', 'egress'] as const)
  const near = address === undefined ? null : word(own, ours, address, row.peer)
  const far = address === undefined || other === null ? null : word(other, theirs, row.peer, address)
  const rank = { deny: 3, 'would-deny': 2, allow: 1 } as const
  const decided = far !== null && (near === null || rank[far.verdict] > rank[near.verdict]) ? far : near
  return {
    workload: own.id,
    name: own.name,
    peer: row.peer,
    peerName: other?.name ?? null,
    peerWorkload: other?.id ?? null,
    direction: row.direction,
    port: row.port,
    proto: row.proto,
    service: row.service,
    bytes: row.bytesOut + row.bytesIn,
    flows: row.flows,
    failed: row.failed,
    last: row.last,
    verdict: decided?.verdict ?? null,
    why: decided?.why ?? null,
  }
}
