/** Asking for a change of what a workload wears, and ending one. The loop plans it; this records who asked and why. */
import { Type } from 'typebox'
import { type PersonaId, type ShiftId, slug, type TenantId, type WorkloadId } from '../../model/ids.ts'
import { Duration, durationMs } from '../../model/policy.ts'
import type { WorkloadRecord } from '../../model/records.ts'
import { workloadId } from '../../model/workload-id.ts'
import type { ShiftAccepted } from '../control.ts'
import type { Principal } from '../principal.ts'
import { notFound, refused } from '../problem.ts'
import { etag, IdParams, PageParams, pageQuery, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['shifts']
const Optional = {
  ttl: Type.Optional(Duration),
  why: Type.Optional(Type.String({ maxLength: 500 })),
}
const TriggerBody = Type.Object(
  {
    device_id: Type.String({ minLength: 1, maxLength: 128, description: 'Id, key or name of a workload' }),
    persona_id: Type.String({ minLength: 1, maxLength: 63, description: 'Id or name of a persona' }),
    ...Optional,
  },
  { additionalProperties: false },
)
const ShiftBody = Type.Object(
  {
    workload: Type.String({ minLength: 1, maxLength: 128 }),
    persona: Type.String({ minLength: 1, maxLength: 63 }),
    ...Optional,
  },
  { additionalProperties: false },
)

type Wish = { workload: string; persona: string; ttl?: string; why?: string }

export function shiftRoutes(app: Routes, deps: RouteDeps): void {
  app.post(
    '/trigger_shift',
    { schema: { tags, summary: 'Have a device wear a persona', body: TriggerBody } },
    async (request, reply) => {
      const { device_id, persona_id, ...rest } = request.body
      const wish = { workload: device_id, persona: persona_id, ...rest }
      const answer = await ask(deps, principalOf(request), wish, request.keepAs)
      return reply.code(202).header('location', `/v1/shifts/${answer.shift_id}`).send(answer)
    },
  )

  app.post(
    '/shifts',
    { schema: { tags, summary: 'Have a workload wear a persona', body: ShiftBody } },
    async (request, reply) => {
      const answer = await ask(deps, principalOf(request), request.body, request.keepAs)
      return reply.code(202).header('location', `/v1/shifts/${answer.shift_id}`).send(answer)
    },
  )

  app.get('/shifts', { schema: { tags, summary: 'Shifts, newest first', querystring: PageParams } }, async (request) =>
    deps.store().shifts.list(principalOf(request).tenant, pageQuery(request.query)),
  )

  app.get('/shifts/:id', { schema: { tags, summary: 'One shift', params: IdParams } }, async (request, reply) => {
    const record = await deps.store().shifts.get(principalOf(request).tenant, request.params.id as ShiftId)
    if (record === null) throw notFound('shift of that id')
    return reply.header('etag', etag(record.version)).send(record)
  })

  app.delete('/shifts/:id', { schema: { tags, summary: 'Undo a shift', params: IdParams } }, async (request, reply) => {
    const { tenant, actor } = principalOf(request)
    const shift = request.params.id as ShiftId
    if ((await deps.store().shifts.get(tenant, shift)) === null) throw notFound('shift of that id')
    const outcome = await deps.control.undoShift({ tenant, shift, by: actor })
    if (!outcome.ok) throw refused(outcome)
    return reply.code(202).send(accepted(outcome.value))
  })
}

const accepted = (value: ShiftAccepted) => ({ shift_id: value.shift, plan_id: value.plan, state: value.state })

async function ask(deps: RouteDeps, principal: Principal, wish: Wish, key: string | null) {
  const { tenant, actor } = principal
  const named = await findWorkload(deps, tenant, wish.workload)
  if (named === null) throw notFound('workload of that id, key or name')
  const persona = await deps.store().manifests.get(tenant, 'Persona', slug(wish.persona))
  if (persona === null) throw notFound('persona of that id')
  const { front, note } = await frontOf(deps, named)
  const outcome = await deps.control.requestShift({
    tenant,
    workload: front.id,
    persona: persona.id as PersonaId,
    until: wish.ttl === undefined ? null : deps.clock() + durationMs(wish.ttl),
    by: actor,
    key,
    why: [
      { rule: 'asked', text: wish.why ?? `${actor} asked for ${persona.manifest.metadata.name}`, persona: persona.id },
    ],
  })
  if (!outcome.ok) throw refused(outcome)
  return {
    ...accepted(outcome.value),
    shifted: { id: front.id, name: front.report.name },
    ...(note === null ? {} : { note }),
  }
}

async function findWorkload(deps: RouteDeps, tenant: TenantId, name: string): Promise<WorkloadRecord | null> {
  const workloads = deps.store().workloads
  const byId =
    (await workloads.get(tenant, name as WorkloadId)) ?? (await workloads.get(tenant, workloadId(tenant, name)))
  if (byId !== null) return byId
  const named = (await workloads.all(tenant)).filter((workload) => workload.report.name === name)
  return named.length === 1 ? named[0]! : null
}

/** A device behind a VM or namespace has no face of its own: its front wears the persona. Bounded, because reports may lie in circles. */
async function frontOf(
  deps: RouteDeps,
  device: WorkloadRecord,
): Promise<{ front: WorkloadRecord; note: string | null }> {
  let front = device
  for (let hops = 0; hops < 4 && front.report.frontedBy !== undefined; hops++) {
    const next = await deps.store().workloads.get(device.tenant, workloadId(device.tenant, front.report.frontedBy))
    if (next === null) {
      throw refused({
        ok: false,
        code: 'front-missing',
        why: `${front.report.name} is fronted by ${front.report.frontedBy}, which no agent reports.`,
        cure: 'Start the agent of its front, then ask again.',
      })
    }
    front = next
  }
  const note =
    front === device
      ? null
      : `${device.report.name} is fronted by ${front.report.name}, so ${front.report.name} is shifted.`
  return { front, note }
}
