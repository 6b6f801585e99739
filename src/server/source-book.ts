/**
 * How the sources of all agents are: what an agent's report says of them comes in, the last word on each with an hour of
 * points goes out. Kept in memory on purpose: every agent tells all of it every 5 s, counts and all, so a server that starts
 * again knows it within a tick, and a row per source and half minute would be most of what the database writes.
 */
import { createHash } from 'node:crypto'
import type { AgentId } from '../model/ids.ts'
import type { SourceDetail, SourcePoint, SourceRecord } from '../model/records.ts'
import { type HopHealth, MAX_SOURCES, type SourceHealth } from '../model/source-health.ts'
import type { AgentReport } from '../model/wire.ts'

export type SourceBook = {
  /** The report was taken; answers the sources with news: a new state, something lost, one that was not there before. */
  take(agent: AgentId, report: AgentReport, now: number): readonly SourceRecord[]
  /** By agent and name. `now`: a source whose agent is not heard of is silent. */
  list(now: number): readonly SourceRecord[]
  get(id: string, now: number): SourceDetail | null
}

const POINT_MS = 30_000
const POINTS = 120
/** An agent reports every 5 s. */
const AGENT_AWAY_MS = 30_000
/** An agent tells all of its sources: one that it leaves out for so long was taken from it, and is gone from the list. */
const FORGET_MS = 60_000
const MAX_AGENTS = 4_096

type Kept = { record: SourceRecord; points: SourcePoint[] }
type Agent = { boot: string; sequence: number; reports: number; missed: number; readonly sources: Map<string, Kept> }

export function createSourceBook(): SourceBook {
  const agents = new Map<AgentId, Agent>()

  const agentOf = (id: AgentId): Agent | null => {
    let agent = agents.get(id)
    if (agent === undefined) {
      if (agents.size >= MAX_AGENTS) return null
      agent = { boot: '', sequence: -1, reports: 0, missed: 0, sources: new Map() }
      agents.set(id, agent)
    }
    return agent
  }
  const kept = function* (): Generator<Kept> {
    for (const { sources } of agents.values()) yield* sources.values()
  }

  return {
    take(id, report, now) {
      const agent = agentOf(id)
      if (agent === null) return []
      countReport(agent, report)
      if (report.sources === undefined) return []
      const news: SourceRecord[] = []
      const intake: HopHealth = {
        hop: 'intake',
        in: agent.reports + agent.missed,
        lost: agent.missed,
        unit: 'reports',
        what: 'reports of this agent that never arrived, by their sequence',
      }
      for (const said of report.sources) {
        const known = agent.sources.get(said.name)
        if (known === undefined && agent.sources.size >= MAX_SOURCES) continue
        const health: SourceHealth = { ...said, hops: [...said.hops.filter(({ hop }) => hop !== 'intake'), intake] }
        const before = known?.record
        const isNews = before === undefined || before.state !== said.state || before.lost !== said.lost
        const record: SourceRecord = {
          ...health,
          id: sourceId(id, said.name),
          agent: id,
          reportedAt: now,
          version: (before?.version ?? 0) + (isNews ? 1 : 0),
        }
        const points = known?.points ?? []
        addPoint(points, before ?? null, record, now)
        agent.sources.set(said.name, { record, points })
        if (isNews) news.push(record)
      }
      for (const [name, { record }] of agent.sources)
        if (record.reportedAt < now - FORGET_MS) agent.sources.delete(name)
      return news
    },
    list(now) {
      return [...kept()]
        .map(({ record }) => asOf(record, now))
        .sort((a, b) => compare(a.agent, b.agent) || compare(a.name, b.name))
    },
    get(id, now) {
      for (const { record, points } of kept())
        if (record.id === id) return { ...asOf(record, now), history: [...points] }
      return null
    },
  }
}

function sourceId(agent: AgentId, name: string): string {
  return `src_${createHash('sha256').update(`${agent}\0${name}`).digest('hex').slice(0, 20)}`
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** A report that is not the next of its boot tells how many were dropped on the way (the spool's bound, a refusal). */
function countReport(agent: Agent, { boot, sequence }: AgentReport): void {
  if (boot === agent.boot && sequence > agent.sequence) agent.missed += Math.min(1e6, sequence - agent.sequence - 1)
  agent.reports++
  agent.boot = boot
  agent.sequence = sequence
}

/** Counts start at 0 again with each start of the agent: less than before is all new. */
const rise = (before: number | undefined, after: number) =>
  before === undefined ? 0 : after >= before ? after - before : after

function addPoint(points: SourcePoint[], before: SourceRecord | null, after: SourceRecord, now: number): void {
  const at = Math.floor(now / POINT_MS) * POINT_MS
  const last = points.at(-1)
  const base = last !== undefined && last.at === at ? last : { at, flows: 0, lost: 0, refused: 0, lagMs: null }
  const point: SourcePoint = {
    at,
    flows: base.flows + rise(before?.flows, after.flows),
    lost: base.lost + rise(before?.lost, after.lost),
    refused: base.refused + rise(before?.refused, after.refused),
    lagMs: after.lagMs === null ? base.lagMs : Math.max(base.lagMs ?? 0, after.lagMs),
  }
  if (base === last) points[points.length - 1] = point
  else points.push(point)
  if (points.length > POINTS) points.shift()
}

function asOf(record: SourceRecord, now: number): SourceRecord {
  if (now - record.reportedAt < AGENT_AWAY_MS || record.state === 'failed') return record
  const seconds = Math.round((now - record.reportedAt) / 1_000)
  return {
    ...record,
    state: 'silent',
    flowsPerSecond: 0,
    why: `agent ${record.agent} has not reported for ${seconds} s; start it, or see guise doctor`.slice(0, 300),
  }
}
