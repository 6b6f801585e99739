/** A set of manifests as it was sent: JSON (one, or a list) or YAML documents. Every fault is told with the place of its manifest. */
import { parseAllDocuments } from 'yaml'
import { slug } from '../model/ids.ts'
import type { Manifest } from '../model/manifest.ts'
import { readManifest } from './manifest-body.ts'
import { Problem } from './problem.ts'

const MAX_SET = 1_000

export function readManifestSet(body: unknown): readonly Manifest[] {
  const values = typeof body === 'string' ? fromYaml(body) : Array.isArray(body) ? body : [body]
  if (values.length === 0 || values.length > MAX_SET) {
    throw new Problem(400, 'validation', `A set holds 1 to ${MAX_SET} manifests.`, 'Send it in parts.')
  }
  const manifests = values.map((value, i) => readManifest(value, null, `/${i}`))
  const seen = new Set<string>()
  for (const [i, manifest] of manifests.entries()) {
    const key = `${manifest.kind} ${slug(manifest.metadata.name)}`
    if (seen.has(key)) {
      throw new Problem(422, 'twice', `${key} stands in the set twice.`, 'Keep one of them.', {
        errors: [{ pointer: `/${i}/metadata/name`, message: 'was used before in this set' }],
      })
    }
    seen.add(key)
  }
  return manifests
}

/** Core schema, no merge keys, few aliases: `<<` chains and alias bombs are quadratic (CVE-2026-53550). */
function fromYaml(text: string): unknown[] {
  const documents = parseAllDocuments(text, { schema: 'core', merge: false, stringKeys: true, prettyErrors: true })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) {
      const line = error.linePos?.[0].line
      throw new Problem(
        400,
        'bad-yaml',
        `The YAML does not parse${line === undefined ? '' : ` at line ${line}`}.`,
        'Check it there.',
      )
    }
    try {
      const value: unknown = document.toJS({ maxAliasCount: 10 })
      return value === null ? [] : [value]
    } catch {
      throw new Problem(400, 'bad-yaml', 'The YAML uses too many aliases.', 'Write it out.')
    }
  })
}
