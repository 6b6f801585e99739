/** A set of manifests as it was sent: JSON (one, or a list) or YAML documents. Every fault is told with its place. */
import { parseManifests } from '../decide/manifest.ts'
import { checkSet } from '../decide/manifest-checks.ts'
import type { Manifest } from '../model/manifest.ts'
import { pointerTo, readManifest } from './manifest-body.ts'
import { type Fault, Problem } from './problem.ts'

const MAX_SET = 1_000

export type ManifestSet = {
  readonly manifests: readonly Manifest[]
  readonly warnings: readonly Fault[]
  /** A fault at a path in the manifest of that index, with line and column when it came as text. */
  faultAt(index: number, path: readonly (string | number)[], message: string): Fault
}

/** `known` = ids of the personas that exist: a name that leads nowhere is warned about, not refused. */
export function readManifestSet(body: unknown, known: readonly string[]): ManifestSet {
  return typeof body === 'string' ? fromText(body, known) : fromValues(Array.isArray(body) ? body : [body], known)
}

function fromValues(values: readonly unknown[], known: readonly string[]): ManifestSet {
  if (values.length === 0 || values.length > MAX_SET) {
    throw new Problem(400, 'validation', `A set holds 1 to ${MAX_SET} manifests.`, 'Send it in parts.')
  }
  const manifests = values.map((value, i) => readManifest(value, null, `/${i}`))
  const { problems, warnings } = checkSet(manifests, known)
  const faults = (findings: typeof problems) =>
    findings.map(({ index, path, why }) => ({ pointer: `/${index}${pointerTo(path)}`, message: why }))
  const [first] = problems
  if (first !== undefined) {
    throw new Problem(422, 'manifest-refused', `${first.why}.`, `${first.cure}.`, { errors: faults(problems) })
  }
  const faultAt: ManifestSet['faultAt'] = (index, path, message) => ({
    pointer: `/${index}${pointerTo(path)}`,
    message,
  })
  return { manifests, warnings: faults(warnings), faultAt }
}

function fromText(text: string, known: readonly string[]): ManifestSet {
  const parsed = parseManifests(text, { file: 'body', known: { personas: known } })
  const fault = ({ line, column, why }: { line: number; column: number; why: string }): Fault => ({
    pointer: '',
    line,
    column,
    message: why,
  })
  if (parsed.ok) {
    const faultAt: ManifestSet['faultAt'] = (index, path, message) => ({
      pointer: `/${index}${pointerTo(path)}`,
      ...parsed.places[index]!(path),
      message,
    })
    return { manifests: parsed.value, warnings: parsed.warnings.map(fault), faultAt }
  }
  throw new Problem(422, parsed.code, `${parsed.where}: ${parsed.why}.`, `${parsed.cure}.`, {
    errors: parsed.problems.slice(0, 50).map(fault),
  })
}
