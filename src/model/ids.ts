/**
 * The nouns of Guise: types, schemas and units that every other folder speaks. No I/O, imports nothing of ours.
 * This file is the one registry of identities: every id is its own type, so a plan id never passes for a shift id.
 */
declare const kind: unique symbol
export type Id<Kind extends string> = string & { readonly [kind]: Kind }

export type TenantId = Id<'Tenant'>
export type WorkloadId = Id<'Workload'>
export type AgentId = Id<'Agent'>
/** A persona is addressed by its `metadata.name` made into a slug; so are policies and feeds. */
export type PersonaId = Id<'Persona'>
export type PlanId = Id<'Plan'>
export type ShiftId = Id<'Shift'>
export type DecisionId = Id<'Decision'>

export const DEFAULT_TENANT = 'main' as TenantId

/** Makes a name into the id it is addressed by: `Data Exporter` → `data-exporter`. Empty when nothing is left. */
export function slug(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
}
