/** A workload's profile made concrete: the facets of its persona beside its resolved rules. */
import type { DesiredState } from '../model/desired.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { Persona } from './effective.ts'
import { facetWishes } from './facet-wishes.ts'
import type { Resolution } from './resolve.ts'

export function desiredState(
  record: WorkloadRecord,
  { ref, spec }: Persona,
  { egress, ingress }: Pick<Resolution, 'egress' | 'ingress'>,
  containment: DesiredState['containment'],
): DesiredState {
  return {
    workload: record.id,
    key: record.report.key,
    persona: { ...ref },
    egress,
    ingress,
    ...facetWishes(spec.profile ?? {}),
    containment,
  }
}
