/**
 * Manifests in: YAML (several documents) or JSON text, hostile until proven otherwise. Out: all of them, or every problem at
 * its file, line and column with its cure. A set is taken whole or not at all.
 */
import { unsupported } from '../model/facets.ts'
import { slug } from '../model/ids.ts'
import { API_VERSION, KINDS, type Kind, MANIFEST_SCHEMAS, type Manifest } from '../model/manifest.ts'
import type { Refusal } from '../model/why.ts'
import { isForeignPolicy } from './import/foreign-kinds.ts'
import { checkManifest, checkSet, type Finding } from './manifest-checks.ts'
import { type Place, readDocuments } from './read-documents.ts'
import { nearest, walkSchema } from './schema-walk.ts'

export type ManifestProblem = {
  readonly code: string
  readonly file: string
  /** 1-based */
  readonly line: number
  readonly column: number
  /** In its manifest; empty when the text itself is the problem. */
  readonly path: readonly (string | number)[]
  readonly why: string
  readonly cure: string
}
export type Source = {
  /** Named in problems; `-` or `body` when there is no file. */
  readonly file: string
  /** Ids of what exists beside this set, by kind, so that references to them are not warned about. */
  readonly known?: { readonly personas?: readonly string[] }
}
export type ParsedManifests =
  | {
      readonly ok: true
      readonly value: Manifest[]
      readonly warnings: readonly ManifestProblem[]
      /** Of each manifest: where a path in it stands in the text. */
      readonly places: readonly Place[]
    }
  | (Refusal & { readonly problems: readonly ManifestProblem[] })

export function parseManifests(text: string, source: Source): ParsedManifests {
  const problems: ManifestProblem[] = []
  const at = (place: { line: number; column: number }, finding: Reported): ManifestProblem => ({
    code: finding.code,
    file: source.file,
    line: place.line,
    column: place.column,
    path: finding.path ?? [],
    why: finding.why,
    cure: finding.cure,
  })
  const read = readDocuments(text, (place, finding) => problems.push(at(place, finding)))
  const whole: { manifest: Manifest; place: Place }[] = []
  for (const document of read) {
    const found = checkDocument(document.value)
    problems.push(...found.map((finding) => at(document.place(finding.path, finding.atKey), finding)))
    if (found.length === 0) whole.push({ manifest: document.value as Manifest, place: document.place })
  }
  const set = checkSet(
    whole.map((one) => one.manifest),
    source.known?.personas ?? null,
  )
  problems.push(...set.problems.map(({ index, ...finding }) => at(whole[index]!.place(finding.path), finding)))
  if (read.length === 0 && problems.length === 0)
    problems.push(
      at(
        { line: 1, column: 1 },
        { code: 'empty', why: 'there is no manifest here', cure: `begin with apiVersion: ${API_VERSION}` },
      ),
    )
  if (problems.length > 0) return refused(problems)
  const warnings = set.warnings.map(({ index, ...finding }) => at(whole[index]!.place(finding.path), finding))
  return { ok: true, value: whole.map((one) => one.manifest), warnings, places: whole.map((one) => one.place) }
}

/** `file:line:column: why. cure` */
export function problemText(problem: ManifestProblem): string {
  const cure = `${problem.cure.slice(0, 1).toUpperCase()}${problem.cure.slice(1)}`
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.why}. ${cure}${cure.endsWith('?') ? '' : '.'}`
}

function refused(problems: readonly ManifestProblem[]): ParsedManifests {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
  const first = sorted[0]!
  const special = sorted.find((one) => one.code === 'facet-not-supported' || one.code === 'kind-not-supported')
  // With nothing else wrong, the code names what the release cannot do yet: the API answers with it.
  const code =
    special !== undefined && sorted.every((one) => one.code === special.code) ? special.code : 'manifest-refused'
  const more = sorted.length === 1 ? '' : ` (and ${sorted.length - 1} more)`
  return {
    ok: false,
    code,
    where: `${first.file}:${first.line}:${first.column}`,
    why: `${first.why}${more}`,
    cure: first.cure,
    problems: sorted,
  }
}

type Reported = Omit<Finding, 'path'> & Partial<Pick<Finding, 'path'>>

function checkDocument(value: unknown): (Finding & { atKey?: true })[] {
  const one = (path: (string | number)[], why: string, cure: string, code = 'schema') => [{ code, path, why, cure }]
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return one([], 'this is no manifest', `a manifest has apiVersion, kind, metadata and spec`)
  const { apiVersion, kind } = value as Record<string, unknown>
  if (isForeignPolicy(kind) && apiVersion !== API_VERSION)
    return one(
      ['kind'],
      `${kind} is a manifest of Kubernetes, not one of ours`,
      'turn it into ours with: guise policy import FILE',
      'foreign-kind',
    )
  if (apiVersion !== API_VERSION)
    return one(
      ['apiVersion'],
      `apiVersion is ${apiVersion === undefined ? 'missing' : `not ${API_VERSION}`}`,
      `write apiVersion: ${API_VERSION}`,
    )
  if (!(KINDS as readonly unknown[]).includes(kind)) {
    const near = typeof kind === 'string' ? nearest(kind, KINDS) : null
    return one(
      ['kind'],
      kind === undefined ? 'kind is missing' : `there is no kind ${JSON.stringify(kind).slice(0, 60)}`,
      near === null ? `use one of ${KINDS.join(', ')}` : `did you mean ${near}?`,
    )
  }
  const shape = walkSchema(MANIFEST_SCHEMAS[kind as Kind], value).map((problem) => ({
    code: 'schema',
    ...problem,
  }))
  if (shape.length > 0) return shape
  const manifest = value as Manifest
  const name = manifest.metadata.name
  if (slug(name) === '') return one(['metadata', 'name'], 'the name has no letter or digit', 'give one')
  if (manifest.kind === 'Trigger')
    return one(
      ['kind'],
      `Trigger ${name} is understood, but this release does not run triggers`,
      'use `when` in a policy or mitigationRules in a persona',
      'kind-not-supported',
    )
  const facets =
    manifest.kind !== 'Persona'
      ? []
      : unsupported(manifest.spec).map((pointer) => {
          const path = pointer
            .replace(/ \(.*$/, '')
            .slice(1)
            .split('/')
            .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
          const word = path.includes('mitigationRules')
            ? manifest.spec.mitigationRules?.[path[2] as number]?.do
            : path.at(-1)
          return {
            code: 'facet-not-supported',
            path,
            why: `${String(word)} has no driver in this release, so it would not be carried`,
            cure: path.includes('mitigationRules')
              ? 'use deny, limit, isolate, or shift to a persona whose rules redirect'
              : 'leave it out',
          }
        })
  return [...facets, ...checkManifest(manifest)]
}
