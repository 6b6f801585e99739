/**
 * Who may do what: one table, default deny. Keys are method and path without the `/v1` prefix; a route without a row does
 * not start. `public` rows need no identity: what they answer is no secret, or they are how one gets in.
 */
import type { Role } from '../model/records.ts'

const everyone = ['viewer', 'operator', 'approver', 'admin'] as const
const operators = ['operator', 'admin'] as const
const approvers = ['approver', 'admin'] as const
const admins = ['admin'] as const
const agents = ['agent'] as const

export const PERMISSIONS = {
  'GET /': 'public',
  'GET /ui': 'public',
  'GET /ui/*': 'public',
  'GET /healthz': 'public',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /docs.css': 'public',
  'GET /schemas': 'public',
  'GET /schemas/:kind': 'public',
  'GET /facets': 'public',
  'POST /session': 'public',
  'POST /agents/enrol': 'public',
  'GET /session': everyone,
  'DELETE /session': everyone,
  'GET /personas': everyone,
  'GET /personas/:id': everyone,
  'GET /personas/:id/forecast': everyone,
  'GET /personas/:id/gate': everyone,
  'GET /personas/:id/versions': everyone,
  'POST /personas': operators,
  'PUT /personas/:id': operators,
  'DELETE /personas/:id': operators,
  'GET /policies': everyone,
  'GET /policies/:id': everyone,
  'GET /policies/:id/resolve': everyone,
  'GET /policies/:id/versions': everyone,
  'GET /policy-states': everyone,
  'POST /policies': operators,
  'PUT /policies/:id': operators,
  'DELETE /policies/:id': operators,
  'GET /feeds': everyone,
  'GET /feeds/:id': everyone,
  // A feed names a path on the server, and its neverBlock use lifts denies: both are an administrator's.
  'POST /feeds': admins,
  'PUT /feeds/:id': admins,
  'DELETE /feeds/:id': admins,
  'GET /triggers': everyone,
  'GET /triggers/:id': everyone,
  'POST /triggers': operators,
  'PUT /triggers/:id': operators,
  'DELETE /triggers/:id': operators,
  'POST /manifests': operators,
  // It writes nothing and says nothing that a reader of rules and conversations may not know.
  'POST /manifests/preview': everyone,
  'POST /trigger_shift': operators,
  'GET /shifts': everyone,
  'GET /shifts/:id': everyone,
  'POST /shifts': operators,
  'DELETE /shifts/:id': operators,
  'GET /workloads': everyone,
  'GET /workloads/traffic': everyone,
  'GET /workloads/:id': everyone,
  'GET /workloads/:id/persona': everyone,
  'GET /workloads/:id/belief': everyone,
  'GET /workloads/:id/risk': everyone,
  'GET /workloads/:id/drift': everyone,
  'GET /workloads/:id/vitals': everyone,
  'GET /workloads/:id/features': everyone,
  'GET /workloads/:id/conversations': everyone,
  'GET /workloads/:id/forecast': everyone,
  'GET /workloads/:id/gate': everyone,
  'GET /workloads/:id/history': everyone,
  'GET /workloads/:id/facets': everyone,
  'GET /workloads/:id/rules': everyone,
  'GET /workloads/:id/rules/hits': everyone,
  'GET /workloads/:id/why': everyone,
  'GET /flows/why': everyone,
  'GET /topology': everyone,
  'GET /topology/conversations': everyone,
  'GET /plans': everyone,
  'GET /plans/:id': everyone,
  'GET /plans/:id/preview': everyone,
  'GET /plans/rollback/preview': everyone,
  'POST /plans/:id/approve': approvers,
  'POST /plans/:id/confirm': operators,
  'POST /plans/:id/rollback': operators,
  'POST /plans/rollback': operators,
  'GET /authority': everyone,
  'POST /authority/resume': operators,
  'GET /agents': everyone,
  'GET /agents/:id': everyone,
  'GET /agents/:id/machines': everyone,
  'POST /agents/:id/machines': operators,
  'POST /agents/:id/machines/:order': approvers,
  'PUT /agents/:id/mode': admins,
  'POST /agents/:id/report': agents,
  'GET /agents/:id/desired': agents,
  'GET /persona-map': everyone,
  'GET /proposals': everyone,
  'GET /proposals/:id': everyone,
  'GET /proposals/:id/gate': everyone,
  'POST /proposals/:id': operators,
  'POST /workloads/:id/feedback': operators,
  'GET /models': everyone,
  'GET /models/:id': everyone,
  // Every belief of the fleet rests on it.
  'POST /models': approvers,
  'DELETE /models/:id': approvers,
  'POST /models/:id/promote': approvers,
  'POST /models/rollback': approvers,
  'GET /sources': everyone,
  'GET /sources/:id': everyone,
  'GET /tokens': admins,
  'POST /tokens': admins,
  'DELETE /tokens/:id': admins,
  // Names and versions; a value never comes out.
  'GET /secrets': everyone,
  'GET /secrets/:id': everyone,
  'PUT /secrets/:id': admins,
  'DELETE /secrets/:id': admins,
  'POST /agents/:id/secrets': agents,
  'POST /agents/:id/certificates': agents,
  'GET /audit': everyone,
  'GET /audit/verify': everyone,
  'GET /decisions': everyone,
  'GET /decisions/:id': everyone,
  'GET /settings': everyone,
  'PUT /settings': admins,
  'GET /events': everyone,
  'GET /metrics': everyone,
  'GET /doctor': everyone,
} as const satisfies Readonly<Record<string, 'public' | readonly Role[]>>

/** `/v1/personas/:id` → `/personas/:id`: one row for both doors. */
export function routeKey(method: string, url: string): string {
  return `${method} ${url.replace(/^\/v1(?=\/|$)/, '') || '/'}`
}

/** What the listener for agents on other hosts answers: an agent's own routes, how to become one, and whether we live. */
export function isForAgents(key: string): boolean {
  const roles = permitted(key)
  return (Array.isArray(roles) && roles.includes('agent')) || key === 'POST /agents/enrol' || key === 'GET /healthz'
}

export function permitted(key: string): 'public' | readonly Role[] | undefined {
  return (PERMISSIONS as Readonly<Record<string, 'public' | readonly Role[]>>)[key]
}
