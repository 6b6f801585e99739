/** Who wears and who behaves like each persona, from the workloads the console has anyway. */
import type { ManifestRecord, WorkloadRecord } from '../../nouns.ts'

export type PersonaRow = {
  readonly id: string
  readonly record: ManifestRecord
  readonly worn: readonly WorkloadRecord[]
  readonly assigned: number
  /** Those whose belief it is, and the mean of it; null when there are none. */
  readonly believed: number
  readonly belief: number | null
  readonly fleet: number
}

export function personaRows(
  records: readonly ManifestRecord[],
  fleet: readonly WorkloadRecord[],
): readonly PersonaRow[] {
  const worn = Map.groupBy(fleet, (one) => one.worn?.id ?? '')
  const assigned = Map.groupBy(fleet, (one) => one.assigned?.id ?? '')
  const believed = Map.groupBy(fleet, (one) => one.belief?.believed ?? '')
  return records.map((record) => {
    const names = classOf(record)
    const alike = believed.get(names) ?? []
    const sum = alike.reduce((total, one) => total + pOf(one, names), 0)
    return {
      id: record.id,
      record,
      worn: worn.get(record.id as never) ?? [],
      assigned: assigned.get(record.id as never)?.length ?? 0,
      believed: alike.length,
      belief: alike.length === 0 ? null : sum / alike.length,
      fleet: fleet.length,
    }
  })
}

/** The learned class a persona is recognised by; beliefs name that. */
export function classOf({ manifest }: ManifestRecord): string {
  return manifest.kind === 'Persona' ? (manifest.spec.recognisedAs ?? manifest.metadata.name) : ''
}

function pOf(workload: WorkloadRecord, name: string): number {
  return workload.belief?.personas.find((one) => one.persona === name)?.p ?? 0
}
