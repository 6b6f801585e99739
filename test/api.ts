/** The whole API on a real record, with a loop that only notes what it was asked. */
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { createApp } from '../src/api/app.ts'
import { mintToken } from '../src/api/auth.ts'
import type { ConsoleFiles } from '../src/api/console.ts'
import type { Control } from '../src/api/control.ts'
import { createEventHub, type EventHub } from '../src/api/events.ts'
import type { AgentId, PlanId, ShiftId, TenantId, WorkloadId } from '../src/model/ids.ts'
import { DEFAULT_TENANT } from '../src/model/ids.ts'
import { KINDS } from '../src/model/manifest.ts'
import type { PersonaMap } from '../src/model/persona-map.ts'
import type { Role } from '../src/model/records.ts'
import type { Store } from '../src/model/store.ts'
import type { WorkloadReport } from '../src/model/wire.ts'
import { openStore } from '../src/store/database.ts'
import { testDatabase } from './database.ts'

type Asked = { readonly what: string; readonly detail: unknown }

export type Fixture = AsyncDisposable & {
  readonly app: FastifyInstance
  readonly store: Store
  readonly events: EventHub
  readonly asked: Asked[]
  readonly clock: { now: number }
  token(role: Role, more?: { name?: string; agent?: string; tenant?: TenantId }): Promise<string>
  /** Asks as a role; the token of each role is made once. */
  as(role: Role | null, options: InjectOptions | string): Promise<LightMyRequestResponse>
}

const NO_AXIS = { more: [], less: [], share: 0 } as const
const NO_MAP: PersonaMap = {
  axes: [NO_AXIS, NO_AXIS],
  ...{ known: [], workloads: [], more: 0, quiet: 0, proposals: [], model: 'none' },
}

export const LOOPBACK = { host: '127.0.0.1:7070' }

function notingControl(asked: Asked[], store: Store, clock: { readonly now: number }): Control {
  const note = (what: string, detail: unknown) => void asked.push({ what, detail })
  const refusal = { ok: false, code: 'move-refused', why: 'It is over.', cure: 'Make a new one.' } as const
  const refuses = (what: string) => async (request: unknown) => {
    note(what, request)
    return refusal
  }
  return {
    async requestShift(request) {
      note('requestShift', request)
      return { ok: true, value: { shift: 's_1' as ShiftId, plan: 'p_1' as PlanId, state: 'approved' } }
    },
    async undoShift(request) {
      note('undoShift', request)
      return { ok: true, value: { shift: request.shift, plan: null, state: 'rolled-back' } }
    },
    approvePlan: refuses('approvePlan'),
    confirmPlan: refuses('confirmPlan'),
    rollbackPlan: refuses('rollbackPlan'),
    rollbackTo: refuses('rollbackTo'),
    lookBackTo: refuses('lookBackTo'),
    resume: refuses('resume'),
    machines: () => ({ at: null, machines: [], orders: [] }),
    orderMachine: refuses('orderMachine'),
    approveMachine: refuses('approveMachine'),
    manifestsChanged: (tenant) => note('manifestsChanged', tenant),
    ratings: () => [],
    async decisionInput(tenant) {
      const { manifests, plans, ...rest } = store
      const [settings, agents, workloads, shifts, target, ...kinds] = await Promise.all([
        rest.settings.get(tenant),
        rest.agents.list(tenant),
        rest.workloads.all(tenant),
        rest.shifts.current(tenant),
        plans.target(tenant),
        ...KINDS.map((kind) => manifests.all(tenant, kind)),
      ])
      return {
        ...{ tenant, settings, agents, workloads, shifts, manifests: kinds.flat(), now: clock.now, seed: 1 },
        target: target.confirmed?.plan.agents ?? {},
        intel: { entries: [], neverBlock: [], hash: '' },
        ...{ conversations: [], controlPlane: [], recentChanges: 0, activations: {} },
      }
    },
    signCertificate: async (request, names, days) => {
      note('signCertificate', { names, days })
      return request === 'bad' ? null : 'PEM'
    },
    beside: () => [
      { table: 'ip filter', chain: 'FORWARD', hook: 'forward', priority: 0, policy: 'drop' },
      { table: 'ip nat', chain: 'POSTROUTING', hook: 'postrouting', priority: 100, policy: 'accept' },
    ],
    drift: () => ({ drift: null, series: null }),
    forecast: refuses('forecast'),
    vitals: () => null,
    features: () => ({ at: null, model: 'm', features: [] }),
    personaMap: async () => NO_MAP,
    changeProposal: refuses('changeProposal'),
    promoteModel: refuses('promoteModel'),
    rollbackModel: refuses('rollbackModel'),
    shadowModel: async () => ({ ok: true, value: { workloads: 0, windows: 0, wouldChange: 0, changes: [] } }),
    async teach(request) {
      note('teach', request)
      return { ok: true, value: { ...request, vectors: [[1, null]], at: clock.now } }
    },
    ruleHits: () => [],
    sources: () => [],
    source: () => null,
    async setMode(request) {
      note('setMode', request)
      return { ok: true, value: null }
    },
    async agentReport(_tenant, agent, report) {
      note('agentReport', { agent, sequence: report.sequence })
    },
    async *desiredStream(_tenant, agent) {
      note('desiredStream', agent)
      yield { type: 'bookmark', at: 1 }
      yield { type: 'bookmark', at: 2 }
    },
    async explain(_tenant, workload) {
      return { ok: true, value: { workload } }
    },
    async explainFlow(_tenant, workload, question) {
      return { ok: true, value: { workload, question } }
    },
    async explainBetween(_tenant, from, question) {
      return { ok: true, value: { from, question } }
    },
  }
}

export async function apiFixture(console: ConsoleFiles | null = null): Promise<Fixture> {
  const database = await testDatabase()
  const store = await openStore({ url: database.url, keysDir: database.keysDir, clock: () => Date.now() })
  const asked: Asked[] = []
  const clock = { now: Date.now() }
  const events = createEventHub({ clock: () => clock.now, ring: 10 })
  const app = await createApp({
    store: () => store,
    control: notingControl(asked, store, clock),
    events,
    console,
    clock: () => clock.now,
    log: { error: (detail) => void asked.push({ what: 'log', detail }) },
    tenantDefault: DEFAULT_TENANT,
    publicOrigins: ['https://guise.example'],
    agentDoor: () => ({ url: 'https://guise.example:7443', caFingerprint: `sha256:${'0'.repeat(64)}` }),
    version: '0.0.0',
  })
  const tokens = new Map<Role, Promise<string>>()
  const token: Fixture['token'] = async (role, more = {}) => {
    const { text } = await mintToken(store, {
      tenant: more.tenant ?? DEFAULT_TENANT,
      name: more.name ?? role,
      role,
      agent: (more.agent ?? (role === 'agent' ? 'host-a' : null)) as AgentId | null,
      kind: 'token',
      expiresAt: null,
      by: 'test',
      now: clock.now,
    })
    return text
  }
  return {
    async [Symbol.asyncDispose]() {
      await app.close()
      await store.close()
      await database[Symbol.asyncDispose]()
    },
    app,
    store,
    events,
    asked,
    clock,
    token,
    async as(role, given) {
      const options = typeof given === 'string' ? { method: 'GET' as const, url: given } : given
      if (role !== null && !tokens.has(role)) tokens.set(role, token(role))
      const authorization = role === null ? {} : { authorization: `Bearer ${await tokens.get(role)}` }
      return app.inject({ ...options, headers: { ...LOOPBACK, ...authorization, ...options.headers } })
    },
  }
}

export function reportOf(key: string, more: Partial<WorkloadReport> = {}): WorkloadReport {
  return {
    key,
    name: key,
    kind: 'namespace' as never,
    driver: 'netns',
    interface: 'guise0',
    addresses: ['10.0.0.5'],
    labels: { app: 'shop' },
    ...more,
  }
}

export async function knowWorkload(f: Fixture, report: WorkloadReport): Promise<WorkloadId> {
  const rows = await f.store.workloads.report(DEFAULT_TENANT, 'host-a' as AgentId, [report], f.clock.now)
  return rows[0]!.id
}
