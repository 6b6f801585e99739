/**
 * HTTP in, the record and the loop behind it. `createApp` builds the whole API: one gate, one funnel for refusals, and every
 * route twice — at the root and under `/v1`, where it is documented. Nothing here reaches a kernel.
 */
import cookie from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { TenantId } from '../model/ids.ts'
import { MANIFEST_SCHEMAS } from '../model/manifest.ts'
import type { Store } from '../model/store.ts'
import { AgentReport } from '../model/wire.ts'
import type { AgentDoor } from './agent-door.ts'
import { createAuth } from './authenticate.ts'
import { BODY_LIMIT, installBodies } from './body.ts'
import { type ConsoleFiles, serveConsole } from './console.ts'
import type { Control } from './control.ts'
import type { EventHub } from './events.ts'
import { installGate, starting } from './gate.ts'
import { installIdempotency } from './idempotency.ts'
import { createLedgerCheck } from './ledger-check.ts'
import { createMetrics } from './metrics.ts'
import { installOpenApi } from './openapi.ts'
import { notFound, Problem, ProblemSchema, problemBody, toProblem } from './problem.ts'
import { compileValidator, type RouteDeps, type Routes, shareSchemas } from './route.ts'
import { agentRoutes } from './routes/agents.ts'
import { authorityRoutes } from './routes/authority.ts'
import { certificateRoutes } from './routes/certificates.ts'
import { eventRoutes } from './routes/events.ts'
import { flowRoutes } from './routes/flows.ts'
import { forecastRoutes } from './routes/forecasts.ts'
import { healthRoutes } from './routes/health.ts'
import { learntRoutes } from './routes/learnt.ts'
import { ledgerRoutes } from './routes/ledger.ts'
import { machineRoutes } from './routes/machines.ts'
import { manifestRoutes } from './routes/manifests.ts'
import { modelRoutes } from './routes/models.ts'
import { planRoutes } from './routes/plans.ts'
import { previewRoutes } from './routes/preview.ts'
import { proposalRoutes } from './routes/proposals.ts'
import { secretRoutes } from './routes/secrets.ts'
import { sessionRoutes } from './routes/session.ts'
import { settingsRoutes } from './routes/settings.ts'
import { shiftRoutes } from './routes/shifts.ts'
import { sourceRoutes } from './routes/sources.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { topologyRoutes } from './routes/topology.ts'
import { workloadRoutes } from './routes/workloads.ts'
import { ShortForm } from './short-form.ts'

export type ApiDeps = {
  /** Null until the record answers: everything that needs it is 503 `starting` until then. */
  readonly store: () => Store | null
  readonly control: Control
  readonly events: EventHub
  readonly console: ConsoleFiles | null
  readonly clock: () => number
  readonly log: { error(detail: object, text: string): void }
  readonly tenantDefault: TenantId
  /** Origins beside loopback by which this server is reached: `https://guise.example`. */
  readonly publicOrigins: readonly string[]
  /** Null while no agent of another host is listened for. */
  readonly agentDoor: () => AgentDoor | null
  readonly version: string
}

const ROUTES = [
  healthRoutes,
  sessionRoutes,
  manifestRoutes,
  shiftRoutes,
  workloadRoutes,
  topologyRoutes,
  flowRoutes,
  forecastRoutes,
  previewRoutes,
  proposalRoutes,
  modelRoutes,
  planRoutes,
  agentRoutes,
  machineRoutes,
  sourceRoutes,
  tokenRoutes,
  secretRoutes,
  certificateRoutes,
  learntRoutes,
  ledgerRoutes,
  settingsRoutes,
  authorityRoutes,
  eventRoutes,
]

export async function createApp(deps: ApiDeps): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: 60_000,
    forceCloseConnections: true,
    genReqId: () => `r_${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    frameworkErrors: (error, request, reply) => {
      const problem = toProblem(error)
      const untyped = reply as FastifyReply
      untyped.code(problem.statusCode).header('content-type', 'application/problem+json')
      untyped.send(Buffer.from(JSON.stringify(problemBody(problem, request.id))))
    },
  })
  const store = (): Store => {
    const ready = deps.store()
    if (ready === null) throw starting()
    return ready
  }
  const auth = createAuth({ store, clock: deps.clock })
  const metrics = createMetrics()
  for (const name of ['principal', 'keepAs'] as const) app.decorateRequest(name, null)
  app.decorateRequest('bodyHash', '')
  app.setValidatorCompiler(compileValidator)
  // Answers are not reshaped by their schema: what is documented is tested, and a field left out of a schema is not lost.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  await app.register(cookie)
  installBodies(app)
  installFunnel(app, deps, metrics)
  installGate(app, {
    auth,
    ready: () => deps.store() !== null,
    publicOrigins: deps.publicOrigins,
    tenantDefault: deps.tenantDefault,
  })
  installIdempotency(app, { store, clock: deps.clock })
  shareSchemas(app, [...Object.values(MANIFEST_SCHEMAS), AgentReport, ShortForm, ProblemSchema])
  await installOpenApi(app, deps.version)
  const routeDeps: RouteDeps = {
    store,
    control: deps.control,
    events: deps.events,
    auth,
    metrics,
    checkLedger: createLedgerCheck((tenant) => store().ledger.verify(tenant)),
    clock: deps.clock,
    version: deps.version,
    publicOrigins: deps.publicOrigins,
    agentDoor: deps.agentDoor,
  }
  for (const prefix of ['', '/v1']) {
    await app.register(
      async (scope) => {
        for (const routes of ROUTES) routes(scope as unknown as Routes, routeDeps)
      },
      { prefix },
    )
  }
  serveConsole(app, deps.console)
  return app
}

function installFunnel(app: FastifyInstance, deps: ApiDeps, metrics: ReturnType<typeof createMetrics>): void {
  app.setNotFoundHandler(() => {
    throw notFound('such path')
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem.statusCode >= 500 && !(error instanceof Problem)) {
      deps.log.error({ error, request: request.id, route: request.routeOptions.url }, 'a request could not be answered')
    }
    metrics.refusals.inc({ code: problem.code })
    void reply
      .code(problem.statusCode)
      .headers(problem.headers)
      .header('content-type', 'application/problem+json')
      .send(Buffer.from(JSON.stringify(problemBody(problem, request.id))))
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    metrics.requests.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1_000,
    )
  })
}
