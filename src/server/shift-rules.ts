/** Who may be shifted to what, said before a plan is made; and personas that a workload's owner declared. */
import type { ShiftRequest } from '../api/control.ts'
import type { PersonaRef } from '../model/belief.ts'
import { CARRIES, facetsOf, lackText } from '../model/facets.ts'
import { type PersonaId, slug, type TenantId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'
import type { Outcome } from '../model/why.ts'
import type { Gathered } from './decision-input.ts'

export type Judged = { readonly name: string; readonly from: PersonaRef | null; readonly to: PersonaRef }

export function refuseShift(state: Gathered, request: ShiftRequest): Outcome<Judged> {
  const workload = state.workloads.find((one) => one.id === request.workload)
  if (workload === undefined) {
    return {
      ok: false,
      code: 'not-found',
      why: `There is no workload ${request.workload}.`,
      cure: 'List them with guise get workloads.',
    }
  }
  const found = state.manifests.find(({ manifest, id }) => manifest.kind === 'Persona' && id === request.persona)
  if (found === undefined || found.manifest.kind !== 'Persona') {
    return {
      ok: false,
      code: 'not-found',
      why: `There is no persona ${request.persona}.`,
      cure: 'List them with guise get personas.',
    }
  }
  const { name, driver } = workload.report
  const to: PersonaRef = { id: found.id as PersonaId, name: found.manifest.metadata.name, version: found.version }
  if (driver === 'recording') {
    return {
      ok: false,
      code: 'no-kernel',
      why: `${name} is part of a recording: there is no kernel behind it to shift.`,
      cure: 'Start as root on Linux to have a live lab.',
    }
  }
  const missing = facetsOf(found.manifest.spec).filter((facet) => !CARRIES[driver].includes(facet))
  if (missing.length > 0) {
    return {
      ok: false,
      code: 'facet-not-supported',
      why: `${lackText(driver, missing, name).replace(/^d/, 'D')}, which ${to.name} asks for.`,
      cure: 'Take these facets out of the persona, or choose another persona.',
    }
  }
  const agent = state.agents.find((one) => one.id === workload.agent)
  if (agent === undefined || agent.mode !== 'enforce') {
    return {
      ok: false,
      code: 'not-enforcing',
      why: `The agent of ${name} is in mode ${agent?.mode ?? 'unknown'}, so nothing would be worn.`,
      cure: 'Start that agent with --mode enforce first.',
    }
  }
  return { ok: true, value: { name, from: workload.worn ?? workload.assigned, to } }
}

/** A declared persona is an assigned one: whoever made the workload said so. It is taken up once, when the persona exists. */
export async function declaredPersonas(store: Store, tenant: TenantId): Promise<void> {
  for (const record of await store.workloads.all(tenant)) {
    const declared = record.report.persona
    if (declared === undefined || record.assigned !== null) continue
    const persona = await store.manifests.get(tenant, 'Persona', slug(declared))
    if (persona === null) continue
    await store.workloads.assign(
      tenant,
      record.id,
      { id: persona.id as PersonaId, name: persona.manifest.metadata.name, version: persona.version },
      {
        actor: `agent:${record.agent}`,
        action: 'persona.declared',
        object: record.id,
        summary: `${record.report.name} declares ${declared}`,
      },
    )
  }
}
