/**
 * What people send to be kept: a manifest, or the short form of a persona. Out comes a manifest that every driver's table
 * can carry, or a refusal with JSON pointers; nothing is stored that would silently do nothing.
 */
import { Compile } from 'typebox/compile'
import { checkManifest } from '../decide/manifest-checks.ts'
import { unsupported } from '../model/facets.ts'
import { KINDS, type Kind, MANIFEST_SCHEMAS, type Manifest } from '../model/manifest.ts'
import { Problem } from './problem.ts'
import { fromShortForm, isShortForm, pointerInShortForm } from './short-form.ts'

const CHECKERS = {
  Persona: Compile(MANIFEST_SCHEMAS.Persona),
  Policy: Compile(MANIFEST_SCHEMAS.Policy),
  Trigger: Compile(MANIFEST_SCHEMAS.Trigger),
  Feed: Compile(MANIFEST_SCHEMAS.Feed),
}

/** `at` goes before every pointer: the place of this manifest in a set. */
export function readManifest(body: unknown, expected: Kind | null, at = ''): Manifest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Problem(400, 'validation', 'A manifest is an object.', 'See /schemas for its shape.', {
      errors: [{ pointer: at, message: 'must be object' }],
    })
  }
  if (expected !== 'Persona' || !isShortForm(body)) return readWritten(body, expected, at)
  const manifest = fromShortForm(body)
  try {
    return readWritten(manifest, expected, at)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const errors = error.errors.map((fault) => ({ ...fault, pointer: pointerInShortForm(fault.pointer) }))
    const detail = error.errors.reduce(
      (text, { pointer }) => (pointer === '' ? text : text.replaceAll(pointer, pointerInShortForm(pointer))),
      error.message,
    )
    throw new Problem(error.statusCode, error.code, detail, error.cure, { errors })
  }
}

function readWritten(value: object, expected: Kind | null, at: string): Manifest {
  const kind = (value as { kind?: unknown }).kind
  if (!KINDS.includes(kind as Kind) || (expected !== null && kind !== expected)) {
    throw new Problem(422, 'kind-not-supported', `The kind is not ${expected ?? KINDS.join(', ')}.`, 'See /schemas.', {
      errors: [{ pointer: `${at}/kind`, message: `must be ${expected ?? KINDS.join(' or ')}` }],
    })
  }
  const manifest = checked(value, kind as Kind, at)
  if (manifest.kind === 'Trigger') throw triggersNotYet(at)
  if (manifest.kind === 'Persona') refuseUnsupported(unsupported(manifest.spec), at)
  const findings = checkManifest(manifest)
  if (findings.length > 0) {
    const errors = findings.map((finding) => ({ pointer: `${at}${pointerTo(finding.path)}`, message: finding.why }))
    throw new Problem(422, 'manifest-refused', `${sentence(findings[0]!.why)}.`, `${sentence(findings[0]!.cure)}.`, {
      errors,
    })
  }
  return manifest
}

export function pointerTo(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

function checked(value: object, kind: Kind, at: string): Manifest {
  const checker = CHECKERS[kind]
  if (checker.Check(value)) return value as Manifest
  const errors = checker
    .Errors(value)
    .filter((error) => error.keyword !== 'additionalProperties')
    .slice(0, 20)
    .map((error) => ({
      pointer: `${at}${error.instancePath}`,
      message: error.keyword === 'boolean' ? 'is not a field here' : error.message,
    }))
  throw new Problem(
    422,
    'manifest-refused',
    `The ${kind} does not fit its schema: ${errors[0]?.pointer || '/'} ${errors[0]?.message ?? ''}.`,
    `Correct the places named in errors; the schema is at /schemas/${kind}.`,
    { errors },
  )
}

export function triggersNotYet(at: string): Problem {
  return new Problem(
    422,
    'kind-not-supported',
    'Triggers have no engine in this release, so none is kept.',
    'Use mitigationRules of a persona, or a shift with an end.',
    { errors: [{ pointer: `${at}/kind`, message: 'Trigger is not supported yet' }] },
  )
}

export function refuseUnsupported(pointers: readonly string[], at: string): void {
  if (pointers.length === 0) return
  throw new Problem(
    422,
    'facet-not-supported',
    `No driver of this release carries ${pointers.join(', ')}; nothing was stored.`,
    'Leave these out; network, dns and rules are carried.',
    { errors: pointers.map((pointer) => ({ pointer: `${at}${pointer}`, message: 'no driver carries this' })) },
  )
}
