/** Whether a policy is about a workload: every field of its `subjects` must hold; no field = every workload. */
import { slug } from '../model/ids.ts'
import type { PolicyManifest } from '../model/manifest.ts'
import { fitsLabels } from './label-match.ts'
import type { Dressed } from './peer-sets.ts'

export function isSubject({ spec }: PolicyManifest, { record, effective }: Dressed): boolean {
  const { subjects } = spec
  const asksLabels = subjects?.labels !== undefined || subjects?.matchExpressions !== undefined
  if (asksLabels && !fitsLabels(record.report.labels, subjects)) return false
  if (subjects?.persona !== undefined && slug(subjects.persona) !== effective.persona.ref.id) return false
  return subjects?.names === undefined || subjects.names.includes(record.report.name)
}
