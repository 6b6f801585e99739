/**
 * Policies of Kubernetes come in as text; ours go out, each rule with the file and line it was made of, or every problem at its
 * place. A text is taken whole or not at all: half of a policy set would be another policy. What is no policy (a Namespace,
 * a Deployment) is passed over and noted.
 */

import { slug } from '../../model/ids.ts'
import type { PolicyManifest } from '../../model/manifest.ts'
import type { ManifestProblem } from '../manifest.ts'
import { checkManifest } from '../manifest-checks.ts'
import { type Place, readDocuments } from '../read-documents.ts'
import { walkSchema } from '../schema-walk.ts'
import { fromClusterPolicy } from './cluster-policy.ts'
import { FOREIGN_KINDS, isForeignPolicy } from './foreign-kinds.ts'
import { ClusterPolicy, NetworkPolicy } from './kube-schemas.ts'
import { fromNetworkPolicy } from './network-policy.ts'
import { digestedName } from './our-policy.ts'
import type { Importing, Path } from './selectors.ts'

export type ImportNote = { readonly where: string; readonly text: string }
export type Imported = {
  readonly manifests: readonly PolicyManifest[]
  readonly problems: readonly ManifestProblem[]
  readonly notes: readonly ImportNote[]
}

type Found = { readonly identity: string; readonly manifests: readonly PolicyManifest[] }

export function importPolicies(sources: readonly { readonly file: string; readonly text: string }[]): Imported {
  const problems: ManifestProblem[] = []
  const notes: ImportNote[] = []
  const found: Found[] = []
  const seen = new Map<string, string>()
  for (const { file, text } of sources) {
    const own: ManifestProblem[] = []
    const tell = (place: { line: number; column: number }, path: Path, why: string, cure: string, code = 'import') =>
      void own.push({ code, file, ...place, path, why, cure })
    const documents = readDocuments(text, (place, { code, why, cure }) =>
      tell(
        place,
        [],
        why,
        code === 'yaml' && text.includes('{{') ? 'fill in the template ({{ … }}) first' : cure,
        code,
      ),
    )
    for (const { value, place } of documents)
      for (const { object, base } of objectsOf(withoutNulls(value), [])) {
        const here: Place = (path, atKey) => place([...base, ...path], atKey)
        const at: Importing = {
          origin: (path) => `${file}:${here(path).line}`,
          problem: (path, why, cure) => tell(here(path), path, why, cure),
          note: (path, said) => void notes.push({ where: `${file}:${here(path).line}`, text: said }),
        }
        const manifests = fromObject(object, at, own, file, here)
        const identity = identityOf(object)
        const other = seen.get(identity)
        if (manifests.length > 0 && other !== undefined)
          at.problem(['metadata', 'name'], `${identity} is here twice (${other})`, 'leave one out')
        if (manifests.length > 0) seen.set(identity, at.origin([]))
        found.push({ identity, manifests })
      }
    if (documents.length === 0 && own.length === 0)
      tell({ line: 1, column: 1 }, [], 'there is no manifest here', 'give a file with NetworkPolicy manifests', 'empty')
    problems.push(...own.sort((a, b) => a.line - b.line || a.column - b.column))
  }
  return { manifests: problems.length > 0 ? [] : apart(found), problems, notes: problems.length > 0 ? [] : notes }
}

function identityOf(object: unknown): string {
  const { kind, metadata } = (object ?? {}) as { kind?: unknown; metadata?: { name?: unknown; namespace?: unknown } }
  return `${kind} ${kind === 'NetworkPolicy' ? `${metadata?.namespace ?? 'default'}/` : ''}${metadata?.name}`
}

/** `np.a.b-c` and `np.a-b.c` are two names there and one id here: a digest of the whole keeps them apart. */
function apart(found: readonly Found[]): PolicyManifest[] {
  const ids = new Set<string>()
  return found.flatMap(({ identity, manifests }) =>
    manifests.map((manifest) => {
      const { name } = manifest.metadata
      const isTaken = ids.has(slug(name))
      ids.add(slug(name))
      if (!isTaken) return manifest
      const end = name.endsWith('.end') ? '.end' : ''
      return { ...manifest, metadata: { ...manifest.metadata, name: digestedName(`${name} ${identity}${end}`) } }
    }),
  )
}

/** `kind: List`, and every `…List` the API server gives, hold others. */
function objectsOf(value: unknown, base: Path): { readonly object: unknown; readonly base: Path }[] {
  const { kind, items } = (value ?? {}) as { kind?: unknown; items?: unknown }
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)
    ? items.flatMap((item, i) => objectsOf(item, [...base, 'items', i]))
    : [{ object: value, base }]
}

function fromObject(
  object: unknown,
  at: Importing,
  problems: ManifestProblem[],
  file: string,
  place: Place,
): PolicyManifest[] {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    at.problem([], 'this is no manifest', 'a manifest has apiVersion, kind, metadata and spec')
    return []
  }
  const { apiVersion, kind } = object as Record<string, unknown>
  if (!isForeignPolicy(kind)) {
    if (typeof kind === 'string') at.note(['kind'], `${kind.slice(0, 60)} is no policy, so it is passed over`)
    else at.problem([], 'there is no kind', 'write which: NetworkPolicy, ClusterNetworkPolicy')
    return []
  }
  const versions = FOREIGN_KINDS[kind]!
  if (!versions.includes(apiVersion as string)) {
    const said = JSON.stringify(apiVersion) ?? 'nothing'
    at.problem(['apiVersion'], `a ${kind} of ${said.slice(0, 60)} is not understood`, `use ${versions.join(' or ')}`)
    return []
  }
  const before = problems.length
  for (const { path, why, cure, atKey } of walkSchema(kind === 'NetworkPolicy' ? NetworkPolicy : ClusterPolicy, object))
    problems.push({ code: 'schema', file, ...place(path, atKey), path, why, cure })
  if (problems.length > before) return []
  const made =
    kind === 'NetworkPolicy'
      ? fromNetworkPolicy(object as NetworkPolicy, at)
      : fromClusterPolicy(kind as Parameters<typeof fromClusterPolicy>[0], object as ClusterPolicy, at)
  if (problems.length === before)
    for (const manifest of made) for (const { why, cure } of checkManifest(manifest)) at.problem([], why, cure)
  return made
}

/** To Kubernetes a null is a field that is not there, and in a list an empty object. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => (one === null ? {} : withoutNulls(one)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (one === null ? [] : [[key, withoutNulls(one)]])),
  )
}
