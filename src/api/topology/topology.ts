/**
 * The map of who talks to whom. In: a tenant, a span, how far to fold. Out: at most MAX_NODES nodes and MAX_EDGES edges with
 * verdicts of the rules in force. The database sums by class (a node, how rules treat it, what its addresses match), so what
 * is read here grows with the kinds of conversation, not with their number. The plan's rules are read once per plan and settings.
 */

import type { PlanId, TenantId, WorkloadId } from '../../model/ids.ts'
import { DEFAULT_HOME_NETWORKS } from '../../model/networks.ts'
import { OUTSIDE } from '../../model/segment.ts'
import type { Store } from '../../model/store.ts'
import {
  type ClassTalk,
  type Face,
  type Topology,
  type TopologyLevel,
  type TopologyTalks,
  usualLevel,
} from '../../model/topology.ts'
import { harsher, type SumVerdict } from './figures.ts'
import { createFlowJudge, type FlowJudge, type RuleClass, type Traits } from './flow-judge.ts'
import { gather, type JudgedTalk } from './gather.ts'
import { type Groups, groupFaces } from './group.ts'
import { createOutside, type OutsideGroup } from './outside.ts'
import { readTalks } from './talks.ts'

export type TopologyAsk = {
  readonly from: number
  readonly to: number
  /** Null: as fits the size of the fleet. */
  readonly level: TopologyLevel | null
  readonly segment: string | null
  readonly persona: string | null
  readonly infrastructure: 'show' | 'hide'
  readonly filter: (face: Face) => boolean
  /** Of the service side; null = any. */
  readonly port: number | null
  readonly verdict: 'allow' | 'deny' | 'would-deny' | null
  readonly peer: string | null
}

export type Rules = {
  readonly plan: PlanId | null
  /** Version of the settings: they say which networks are home. */
  readonly settings: number
  readonly generation: number | null
  readonly judge: FlowJudge
  readonly outsideOf: (address: string) => OutsideGroup
}
type End = { readonly rules: RuleClass | null; readonly four: Traits | null; readonly six: Traits | null }
type OwnClass = { readonly group: number; readonly end: End; readonly matched: boolean }
type OtherClass = OwnClass & { readonly traits: Traits }

const OUTSIDE_ALONE = 12
const TENANTS_KEPT = 4

export type TopologyReader = {
  readonly map: (tenant: TenantId, ask: TopologyAsk, now: number) => Promise<Topology>
  readonly talks: (
    tenant: TenantId,
    ask: TopologyAsk & { readonly a: string; readonly b: string | null },
    now: number,
  ) => Promise<TopologyTalks>
}

export function createTopologyReader(store: () => Store): TopologyReader {
  const kept = new Map<TenantId, Rules>()

  async function rulesOf(tenant: TenantId): Promise<Rules> {
    const [plan, settings] = await Promise.all([store().topology.target(tenant), store().settings.get(tenant)])
    const held = kept.get(tenant)
    if (held !== undefined && held.plan === plan && held.settings === settings.version) return held
    const record = plan === null ? null : await store().plans.get(tenant, plan)
    const states = record?.plan.agents ?? {}
    const homes = settings.homeNetworks.length > 0 ? settings.homeNetworks : DEFAULT_HOME_NETWORKS
    const rules = {
      plan,
      settings: settings.version,
      generation: record?.plan.generation.n ?? null,
      judge: createFlowJudge(states),
      outsideOf: createOutside(states, homes),
    }
    if (kept.size >= TENANTS_KEPT) kept.delete(kept.keys().next().value!)
    kept.set(tenant, rules)
    return rules
  }

  return {
    async map(tenant, ask, now) {
      const [faces, rules, evidence] = await Promise.all([
        store().topology.faces(tenant),
        rulesOf(tenant),
        store().evidence.since(tenant, ask.from),
      ])
      const accused = new Set(evidence.filter((one) => one.evidence.weight > 0).map((one) => one.workload))
      const level = ask.level ?? usualLevel(faces.length)
      const groups = groupFaces(faces, accused, { ...ask, level, now })
      const matched = faces.map(ask.filter)
      const classes = classify(faces, groups, matched, rules)
      const { rows, cut } = await store().topology.talks(tenant, ask.from, ask.to, classes.workloads, classes.addresses)
      const talks = rows.map((row) => judgeTalk(row, classes, rules, now)).filter(wanted(ask))
      const gathered = gather({
        groups,
        faces,
        talks,
        evidence,
        outsideOf: rules.outsideOf,
        outsideAlone: level === 'segment' ? 0 : OUTSIDE_ALONE,
        infrastructure: ask.infrastructure,
      })
      const before = await store().topology.spokeBefore(tenant, [...gathered.samples.values()].flat(), ask.from)
      const keptSince = now - store().topology.keptMs
      // before anything was recorded, everything would be new
      const isFresh = (id: string) =>
        ask.from > keptSince && before.size > 0 && !gathered.samples.get(id)!.some((one) => before.has(one))
      const nodes = keepMatched(gathered.nodes, gathered.edges, groups, matched)
      return {
        from: ask.from,
        to: ask.to,
        level,
        keptSince,
        judgedBy: rules.generation,
        workloads: faces.length,
        matched: matched.filter(Boolean).length,
        segments: segmentsOf(groups, nodes),
        nodes,
        edges: gathered.edges.map((edge) => ({ ...edge, fresh: isFresh(edge.id) })),
        folded: gathered.folded,
        hidden: gathered.hidden,
        cut,
      }
    },
    talks: (tenant, ask, now) => readTalks(store(), rulesOf, tenant, ask, now),
  }
}

function wanted({ port, verdict, peer }: TopologyAsk): (talk: JudgedTalk & { readonly matched: boolean }) => boolean {
  return (talk) =>
    talk.matched &&
    (port === null || talk.port === port) &&
    (verdict === null || talk.verdict === verdict) &&
    (peer === null || talk.peer === peer || talk.sample.endsWith(` ${peer}`))
}

/** A filter leaves those it holds for, and whom they talk to. */
function keepMatched(
  nodes: Topology['nodes'],
  edges: Topology['edges'],
  groups: Groups,
  matched: readonly boolean[],
): Topology['nodes'] {
  if (matched.every(Boolean)) return nodes
  const kept = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  for (const [i, group] of groups.of.entries()) if (matched[i] === true) kept.add(groups.groups[group]!.id)
  return nodes.filter((node) => kept.has(node.id))
}

function segmentsOf(groups: Groups, nodes: Topology['nodes']): Topology['segments'] {
  const drawn = new Set(nodes.map((node) => node.segment))
  const all = drawn.has(OUTSIDE.id) ? [...groups.segments, { ...OUTSIDE, workloads: 0, risk: null }] : groups.segments
  return all.filter((segment) => drawn.has(segment.id))
}

/** Workloads and addresses that are alike in all that counts here: their node, how rules treat them, what they match. */
function classify(faces: readonly Face[], groups: Groups, matched: readonly boolean[], { judge }: Rules) {
  const own = createClasses<OwnClass>()
  const other = createClasses<OtherClass>()
  const workloads = { ids: [] as WorkloadId[], classes: [] as number[] }
  const addresses = { texts: [] as string[], classes: [] as number[] }
  const claimed = new Set<string>()
  for (const [i, face] of faces.entries()) {
    const end = endOf(face, judge)
    const one = { group: groups.of[i]!, end, matched: matched[i]! }
    const name = `${one.group} ${end.rules} ${end.four} ${end.six} ${one.matched}`
    workloads.ids.push(face.id)
    workloads.classes.push(own.of(name, one))
    for (const address of face.addresses.map((text) => text.split('/')[0]!)) {
      // an address that two claim is the first one's
      if (claimed.has(address)) continue
      claimed.add(address)
      const traits = judge.traits(address)
      addresses.texts.push(address)
      addresses.classes.push(other.of(`${name} ${traits}`, { ...one, traits }))
    }
  }
  return { own: own.all, other: other.all, workloads, addresses }
}

function createClasses<T>() {
  const all: T[] = []
  const numbers = new Map<string, number>()
  const of = (name: string, value: T): number => {
    const number = numbers.get(name) ?? all.push(value) - 1
    numbers.set(name, number)
    return number
  }
  return { all, of }
}

function endOf(face: Face, judge: FlowJudge): End {
  const traitsOf = (isSix: boolean) => {
    const address = face.addresses.find((text) => text.includes(':') === isSix)
    return address === undefined ? null : judge.traits(address.split('/')[0]!)
  }
  return { rules: judge.rules(face.agent, face.key), four: traitsOf(false), six: traitsOf(true) }
}

function judgeTalk(
  row: ClassTalk,
  classes: ReturnType<typeof classify>,
  { judge }: Rules,
  now: number,
): JudgedTalk & { readonly matched: boolean } {
  const own = classes.own[row.own]!
  const other = row.other === null ? null : classes.other[row.other]!
  const peer = other?.traits ?? judge.traits(row.peer!)
  const [ours, theirs] =
    row.direction === 'initiated' ? (['egress', 'ingress'] as const) : (['ingress', 'egress'] as const)
  const isSix = judge.isSix(peer)
  const ownTraits = isSix ? own.end.six : own.end.four
  const ask = (end: End, direction: 'egress' | 'ingress', at: Traits | null, far: Traits | null): SumVerdict =>
    end.rules === null || at === null || far === null
      ? null
      : judge.judge(end.rules, direction, at, far, row.proto, row.port, now).verdict
  const verdict = harsher(
    ask(own.end, ours, ownTraits, peer),
    other === null ? null : ask(other.end, theirs, peer, ownTraits),
  )
  return {
    ...row,
    ownGroup: own.group,
    otherGroup: other?.group ?? null,
    verdict,
    matched: own.matched || other?.matched === true,
  }
}
