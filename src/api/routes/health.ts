/** Is it up, how is it, what are the shapes of manifests. */
import { Type } from 'typebox'
import { facetCarriers } from '../../model/facets.ts'
import { type ForeignChain, foreignText } from '../../model/foreign-chain.ts'
import { KINDS, MANIFEST_SCHEMAS } from '../../model/manifest.ts'
import type { AgentRecord } from '../../model/records.ts'
import { notFound } from '../problem.ts'
import { principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['system']

export function healthRoutes(app: Routes, deps: RouteDeps): void {
  app.get('/healthz', { schema: { tags, summary: 'Whether the server is ready' } }, async (_request, reply) => {
    const ready = await isReady(deps)
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'starting' })
  })

  app.get('/schemas', { schema: { tags, summary: 'Where the JSON Schema of each kind is' } }, async () => ({
    items: KINDS.map((kind) => ({ kind, href: `/v1/schemas/${kind}` })),
    next: null,
  }))

  app.get(
    '/facets',
    { schema: { tags, summary: 'Which drivers carry which facet, and which refuse it' } },
    async () => ({
      items: facetCarriers(),
      next: null,
    }),
  )

  app.get(
    '/schemas/:kind',
    { schema: { tags, summary: 'JSON Schema of a kind of manifest', params: Type.Object({ kind: Type.String() }) } },
    async (request) => {
      const kind = KINDS.find((name) => name.toLowerCase() === request.params.kind.toLowerCase())
      if (kind === undefined) throw notFound('kind of that name')
      return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...MANIFEST_SCHEMAS[kind] }
    },
  )

  app.get('/metrics', { schema: { tags, summary: 'Figures for Prometheus' } }, async (request, reply) => {
    const { tenant } = principalOf(request)
    deps.metrics.listeners.set(deps.events.listeners())
    deps.metrics.agentCounters.reset()
    const { tripped = null, pinned = null } = await deps.store().settings.get(tenant)
    deps.metrics.halted.set({ why: 'tripped' }, tripped === null ? 0 : 1)
    deps.metrics.halted.set({ why: 'pinned' }, pinned === null ? 0 : 1)
    for (const agent of await deps.store().agents.list(tenant)) {
      for (const [counter, value] of Object.entries(agent.counters)) {
        deps.metrics.agentCounters.set({ agent: agent.id, counter }, value)
      }
    }
    return reply.type(deps.metrics.registry.contentType).send(await deps.metrics.registry.metrics())
  })

  app.get('/doctor', { schema: { tags, summary: 'What is not as it should be, with its cure' } }, async (request) => {
    const { tenant } = principalOf(request)
    const [agents, ledger, database] = await Promise.all([
      deps.store().agents.list(tenant),
      deps.checkLedger(tenant),
      deps.store().healthy(),
    ])
    const now = deps.clock()
    const checks = [
      {
        name: 'database',
        ok: database,
        detail: database ? 'answers' : 'does not answer',
        cure: 'See the log of PostgreSQL.',
      },
      {
        name: 'ledger',
        ok: ledger.ok,
        detail: ledger.ok ? `${ledger.rows} rows, chain whole` : `broken at row ${ledger.at}: ${ledger.why}`,
        cure: 'Keep a copy of the database and find out who wrote to it.',
      },
      ...agents.map((agent) => {
        const silentMs = agent.lastReport === null ? null : now - agent.lastReport
        const isThere = silentMs !== null && silentMs < 30_000
        const held = agent.applied?.state === 'refused' && agent.mode !== 'enforce' ? agent.applied.why : undefined
        const seen =
          silentMs === null ? 'never reported' : `last report ${Math.round(silentMs / 1_000)} s ago, mode ${agent.mode}`
        return {
          name: `agent ${agent.id}`,
          ok: isThere && held === undefined,
          detail: held === undefined ? seen : `${seen}; ${held}`,
          cure: isThere
            ? `On ${agent.host}, end a panic with guise panic --lift, or start the agent with --mode enforce.`
            : `Start guise agent on ${agent.host}.`,
        }
      }),
      ...agents.flatMap(loadingChecks),
      ...agents.flatMap((agent) => besideChecks(agent, deps.control.beside(tenant, agent.id))),
      ...deps.control.sources(tenant).map((source) => {
        const ok = source.state !== 'failed' && source.lostLately === 0
        const lost =
          source.lostLately > 0 ? `, lost ${source.lostLately} in the last minute (${source.lost} in all)` : ''
        return {
          name: `source ${source.name} of ${source.agent}`,
          ok,
          detail: `${source.state}, ${source.flowsPerSecond.toFixed(1)} flows/s${lost}${source.why === '' ? '' : `; ${source.why}`}`,
          cure:
            source.state === 'failed'
              ? 'Do what the reason says; if that changes options of the agent, start it again.'
              : 'guise describe source says on which hop; let exporters sample or send to a second agent.',
        }
      }),
    ]
    return { ok: checks.every((check) => check.ok), version: deps.version, checks }
  })
}

/** Not wrong by itself, so nobody is called; whoever looks for a lost packet finds whose word is last. */
function besideChecks({ id }: AgentRecord, chains: readonly ForeignChain[]) {
  return [...new Set(chains.map((one) => one.hook))].map((hook) => ({
    name: `others at hook ${hook} of agent ${id}`,
    ok: true,
    detail: chains
      .filter((one) => one.hook === hook)
      .sort((a, b) => a.priority - b.priority)
      .map(foreignText)
      .join('; '),
    cure: 'They are not ours, and not touched. guise verify shows them on the host.',
  }))
}

/** By which way an agent writes to its kernel (`enforce/load.ts`); one that writes nothing says nothing. */
function loadingChecks({ id, host, counters }: AgentRecord) {
  const by = ['netlink', 'libnftables', 'program'].map((way) => [way, counters[`load.${way}`] ?? 0] as const)
  if (by.every(([, count]) => count === 0)) return []
  const program = counters['load.program'] ?? 0
  return [
    {
      name: `kernel of agent ${id}`,
      ok: program === 0,
      detail: `changes since its start: ${by.map(([way, count]) => `${count} by ${way === 'program' ? 'the program nft' : way}`).join(', ')}`,
      cure: `On ${host}, npm ci brings koffi and the package libnftables1 its library: without them every change waits for a program to start.`,
    },
  ]
}

async function isReady(deps: RouteDeps): Promise<boolean> {
  try {
    return await deps.store().healthy()
  } catch {
    return false
  }
}
