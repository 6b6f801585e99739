/** Which persona a workload should wear, and why: a shift in force, else the assigned one, else the default. Belief is not asked. */
import { DEFAULT_PERSONA, type PersonaRef } from '../model/belief.ts'
import { type PersonaId, type ShiftId, slug } from '../model/ids.ts'
import type { PersonaManifest } from '../model/manifest.ts'
import { CURRENT_STATES } from '../model/plan.ts'
import type { ManifestRecord, ShiftRecord, WorkloadRecord } from '../model/records.ts'
import type { Why } from '../model/why.ts'

export type Persona = { readonly ref: PersonaRef; readonly spec: PersonaManifest['spec'] }
export type Effective = {
  readonly persona: Persona
  readonly why: Why
  readonly cause: 'shift' | 'automatic' | 'assigned' | 'default'
  readonly shift: ShiftId | null
  /** epoch ms, null = stays */
  readonly until: number | null
}

export function personasOf(manifests: readonly ManifestRecord[]): ReadonlyMap<string, Persona> {
  const found = new Map<string, Persona>()
  for (const record of manifests) {
    if (record.manifest.kind !== 'Persona') continue
    const id = slug(record.manifest.metadata.name) as PersonaId
    found.set(id, {
      ref: { id, name: record.manifest.metadata.name, version: record.version },
      spec: record.manifest.spec,
    })
  }
  return found
}

/** What is worn when nobody defined `Standard User`: nothing is taken away. */
const BARE: Persona = {
  ref: { id: slug(DEFAULT_PERSONA) as PersonaId, name: DEFAULT_PERSONA, version: 0 },
  spec: { profile: { default: { egress: 'allow', ingress: 'allow' } } },
}

export function effectiveOf(
  record: WorkloadRecord,
  personas: ReadonlyMap<string, Persona>,
  shifts: readonly ShiftRecord[],
  now: number,
): Effective {
  const shift = shifts
    .filter(
      (one) =>
        one.workload === record.id && CURRENT_STATES.includes(one.state) && (one.until === null || one.until > now),
    )
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))[0]
  const shifted = shift === undefined ? undefined : personas.get(shift.to.id)
  if (shift !== undefined && shifted !== undefined) {
    const end = shift.until === null ? '' : ` until ${new Date(shift.until).toISOString()}`
    return {
      persona: shifted,
      why: {
        rule: `shift/${shift.id}`,
        text: `${shift.requestedBy} shifted it to ${shifted.ref.name}${end}`,
        persona: shifted.ref.name,
      },
      cause: shift.requestedBy === 'guise' ? 'automatic' : 'shift',
      shift: shift.state === 'confirmed' ? null : shift.id,
      until: shift.until,
    }
  }
  const assigned = record.assigned === null ? undefined : personas.get(record.assigned.id)
  if (assigned !== undefined)
    return {
      persona: assigned,
      why: { rule: 'assigned', text: `${assigned.ref.name} is assigned to it`, persona: assigned.ref.name },
      cause: 'assigned',
      shift: null,
      until: null,
    }
  const text =
    record.assigned === null
      ? `nobody assigned a persona, so it wears ${DEFAULT_PERSONA}`
      : `its assigned persona ${record.assigned.name} does not exist any more, so it wears ${DEFAULT_PERSONA}`
  return {
    persona: personas.get(BARE.ref.id) ?? BARE,
    why: { rule: 'default-persona', text, persona: DEFAULT_PERSONA },
    cause: 'default',
    shift: null,
    until: null,
  }
}
