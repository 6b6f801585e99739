/** Personas, policies and feeds: kept as manifests, versioned, a set whole or not at all. Triggers are refused by name. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { slug } from '../../model/ids.ts'
import type { Kind, Manifest, PersonaManifest } from '../../model/manifest.ts'
import type { ManifestRecord } from '../../model/records.ts'
import { refuseUnknownSecrets } from '../known-secrets.ts'
import { pointerTo, readManifest, triggersNotYet } from '../manifest-body.ts'
import { readManifestSet } from '../manifest-set.ts'
import { runTestsBeforeWrite } from '../policy-gate.ts'
import { notFound, Problem } from '../problem.ts'
import {
  auditOf,
  etag,
  IdParams,
  ifMatch,
  notModified,
  PageParams,
  pageQuery,
  principalOf,
  type RouteDeps,
  type Routes,
  written,
} from '../route.ts'
import { toShortForm } from '../short-form.ts'

const KINDS_AT = {
  personas: 'Persona',
  policies: 'Policy',
  feeds: 'Feed',
  triggers: 'Trigger',
} as const satisfies Record<string, Kind>

const FormQuery = Type.Object(
  { form: Type.Optional(Type.Union([Type.Literal('short'), Type.Literal('manifest')])) },
  { additionalProperties: false },
)
const bodyOf = (kind: Kind) =>
  (kind === 'Persona'
    ? { anyOf: [{ $ref: 'Persona#' }, { $ref: 'PersonaShortForm#' }] }
    : { $ref: `${kind}#` }) as never
/** The body is checked by the reader of manifests, which knows the short form and says more. */
const checkedByReader = { validatorCompiler: () => (value: unknown) => ({ value }) }

export function manifestRoutes(app: Routes, deps: RouteDeps): void {
  for (const [path, kind] of Object.entries(KINDS_AT)) kindRoutes(app, deps, path, kind)
  setRoute(app, deps)
}

function kindRoutes(app: Routes, deps: RouteDeps, path: string, kind: Kind): void {
  const tags = [path]
  const noun = kind.toLowerCase()

  app.get(`/${path}`, { schema: { tags, summary: `All ${path}`, querystring: PageParams } }, async (request) =>
    deps.store().manifests.list(principalOf(request).tenant, kind, pageQuery(request.query)),
  )

  app.get(
    `/${path}/:id`,
    { schema: { tags, summary: `One ${noun}`, params: IdParams, querystring: FormQuery } },
    async (request, reply) => {
      const record = await deps.store().manifests.get(principalOf(request).tenant, kind, request.params.id)
      if (record === null) throw notFound(`${noun} of that id`)
      if (notModified(request, reply, record.version)) return reply.code(304).send()
      return request.query.form === 'short' && kind === 'Persona'
        ? toShortForm(record.manifest as PersonaManifest)
        : request.query.form === 'manifest'
          ? record.manifest
          : record
    },
  )

  app.post(
    `/${path}`,
    { schema: { tags, summary: `Make a ${noun}`, body: bodyOf(kind) }, ...checkedByReader },
    async (request, reply) => {
      if (kind === 'Trigger') throw triggersNotYet('')
      const manifest = readManifest(request.body, kind)
      const record = await keep(request, manifest, 0, 'create')
      return reply
        .code(201)
        .header('location', `/v1/${path}/${record.id}`)
        .header('etag', etag(record.version))
        .send(record)
    },
  )

  app.put(
    `/${path}/:id`,
    { schema: { tags, summary: `Change a ${noun}`, params: IdParams, body: bodyOf(kind) }, ...checkedByReader },
    async (request, reply: FastifyReply) => {
      if (kind === 'Trigger') throw triggersNotYet('')
      const id = (request.params as { id: string }).id
      const version = ifMatch(request)
      const manifest = readManifest(request.body, kind)
      if (slug(manifest.metadata.name) !== id) {
        throw new Problem(422, 'name-differs', 'The name in the body is of another id.', 'A new name is a new POST.', {
          errors: [{ pointer: '/metadata/name', message: `makes the id ${slug(manifest.metadata.name)}, not ${id}` }],
        })
      }
      if ((await deps.store().manifests.get(principalOf(request).tenant, kind, id)) === null) {
        throw notFound(`${noun} of that id`)
      }
      const record = await keep(request, manifest, version, 'change')
      return reply.header('etag', etag(record.version)).send(record)
    },
  )

  app.delete(
    `/${path}/:id`,
    { schema: { tags, summary: `Remove a ${noun}`, params: IdParams } },
    async (request, reply) => {
      const principal = principalOf(request)
      const { id } = request.params
      const audit = auditOf(principal, `${noun}.delete`, id, `${noun} ${id} removed`)
      written(
        await deps.store().manifests.remove(principal.tenant, kind, id, ifMatch(request), audit),
        `${noun} of that id`,
      )
      deps.control.manifestsChanged(principal.tenant)
      return reply.code(204).send()
    },
  )

  async function keep(
    request: FastifyRequest,
    manifest: Manifest,
    ifVersion: number | null,
    action: 'create' | 'change',
  ): Promise<ManifestRecord> {
    const principal = principalOf(request)
    const id = slug(manifest.metadata.name)
    const faultAt = (_: number, path: readonly (string | number)[], message: string) => ({
      pointer: pointerTo(path),
      message,
    })
    await refuseUnknownSecrets(deps, principal.tenant, [manifest], faultAt)
    await runTestsBeforeWrite(deps, principal.tenant, [manifest], faultAt)
    const audit = auditOf(principal, `${noun}.${action}`, id, `${noun} "${manifest.metadata.name}"`)
    const outcome = await deps.store().manifests.apply(principal.tenant, [{ manifest, ifVersion }], audit)
    const exists = !outcome.ok && action === 'create'
    const [record] = written(exists ? { ok: false as const, code: 'exists' as const } : outcome, `${noun} of that name`)
    deps.control.manifestsChanged(principal.tenant)
    return record!
  }
}

const SetQuery = Type.Object({ dry_run: Type.Optional(Type.Boolean()) }, { additionalProperties: false })

function setRoute(app: Routes, deps: RouteDeps): void {
  app.post(
    '/manifests',
    {
      schema: {
        tags: ['manifests'],
        summary: 'Apply a set of manifests, whole or not at all',
        description:
          'A list of manifests, one manifest, or YAML documents (application/yaml). The tests of policies run first; one that fails refuses the set. dry_run=true only checks.',
        querystring: SetQuery,
        body: Type.Unknown(),
      },
      config: { yaml: true },
    },
    async (request) => {
      const principal = principalOf(request)
      const personas = await deps.store().manifests.all(principal.tenant, 'Persona')
      const { manifests, warnings, faultAt } = readManifestSet(
        request.body,
        personas.map((record) => record.id),
      )
      if (principal.role !== 'admin' && manifests.some((manifest) => manifest.kind === 'Feed')) {
        throw new Problem(403, 'role-refused', 'A feed names a path on the server.', 'Applying a Feed needs admin.')
      }
      await refuseUnknownSecrets(deps, principal.tenant, manifests, faultAt)
      const tests = await runTestsBeforeWrite(deps, principal.tenant, manifests, faultAt)
      const before = await Promise.all(
        manifests.map((m) => deps.store().manifests.get(principal.tenant, m.kind, slug(m.metadata.name))),
      )
      const outcomes = manifests.map((manifest, i) => ({
        kind: manifest.kind,
        id: slug(manifest.metadata.name),
        outcome: outcomeOf(before[i] ?? null, manifest),
        version: before[i]?.version ?? 0,
      }))
      if (request.query.dry_run === true)
        return { applied: false, dry_run: true, items: outcomes, warnings, tests, next: null }
      const changes = manifests.filter((_, i) => outcomes[i]!.outcome !== 'unchanged')
      if (changes.length > 0) {
        const names = changes.map((manifest) => `${manifest.kind} ${slug(manifest.metadata.name)}`)
        const audit = auditOf(principal, 'manifests.apply', 'set', names.slice(0, 20).join(', '))
        const set = changes.map((manifest) => {
          const at = manifests.indexOf(manifest)
          return { manifest, ifVersion: before[at]?.version ?? 0 }
        })
        const records = written(await deps.store().manifests.apply(principal.tenant, set, audit), 'manifest')
        for (const record of records) {
          const row = outcomes.find((outcome) => outcome.kind === record.kind && outcome.id === record.id)
          if (row !== undefined) row.version = record.version
        }
        deps.control.manifestsChanged(principal.tenant)
      }
      return { applied: true, dry_run: false, items: outcomes, warnings, tests, next: null }
    },
  )
}

function outcomeOf(before: ManifestRecord | null, manifest: Manifest): 'created' | 'changed' | 'unchanged' {
  if (before === null) return 'created'
  return canonical(before.manifest) === canonical(manifest) ? 'unchanged' : 'changed'
}

/** Keys in order: jsonb does not keep the order they were written in. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
