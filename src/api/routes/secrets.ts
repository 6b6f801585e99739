/** Secrets: values come in and never go out; a list says names, versions and who uses them. Agents get theirs sealed. */

import { Type } from 'typebox'
import { SecretName, SecretRef, secretRefsIn } from '../../model/facets/secret.ts'
import { PUBLIC_KEY } from '../../model/facets/secret-box.ts'
import { MAX_SECRET_BYTES } from '../../model/facets/secret-size.ts'
import { someOf } from '../../model/some-of.ts'
import { givenTo, speakingAgent } from '../agent-of.ts'
import { notFound, Problem } from '../problem.ts'
import { AGENT_NAME, auditOf, etag, ifMatch, principalOf, type RouteDeps, type Routes, written } from '../route.ts'

const tags = ['secrets']
const Params = Type.Object({ id: SecretName })
const Body = Type.Object(
  { value: Type.String({ minLength: 1, maxLength: MAX_SECRET_BYTES }) },
  { additionalProperties: false },
)
const Asked = Type.Object(
  {
    /** X25519: what the answer is sealed to. The first one an agent shows is its own until it is enrolled anew. */
    publicKey: Type.String({ pattern: PUBLIC_KEY }),
    want: Type.Array(SecretRef, { maxItems: 1_000 }),
  },
  { additionalProperties: false },
)

export function secretRoutes(app: Routes, deps: RouteDeps): void {
  app.get('/secrets', { schema: { tags, summary: 'Secrets: names, versions, users; no values' } }, async (request) => ({
    items: await deps.store().secrets.all(principalOf(request).tenant),
    next: null,
  }))

  app.get(
    '/secrets/:id',
    { schema: { tags, summary: 'One secret, without its value', params: Params } },
    async (request, reply) => {
      const all = await deps.store().secrets.all(principalOf(request).tenant)
      const record = all.find((one) => one.name === request.params.id)
      if (record === undefined) throw notFound('secret of that name')
      return reply.header('etag', etag(record.version)).send(record)
    },
  )

  app.put(
    '/secrets/:id',
    {
      schema: {
        tags,
        summary: 'Keep a value under a name',
        description: 'If-Match "0" = must not exist, a version = that one is replaced, * = whatever is there.',
        params: Params,
        body: Body,
      },
      config: { secret: true },
    },
    async (request, reply) => {
      const principal = principalOf(request)
      const { id } = request.params
      const { value } = request.body
      if (Buffer.byteLength(value) > MAX_SECRET_BYTES)
        throw new Problem(413, 'too-large', `A secret holds at most ${MAX_SECRET_BYTES} bytes.`, 'Keep it in parts.')
      const audit = auditOf(principal, 'secret.set', id, `secret ${id} set`)
      const outcome = await deps.store().secrets.put(principal.tenant, id, value, ifMatch(request), audit)
      const record = written(outcome, 'secret of that name')
      deps.control.manifestsChanged(principal.tenant)
      return reply.header('etag', etag(record.version)).send(record)
    },
  )

  app.delete(
    '/secrets/:id',
    { schema: { tags, summary: 'Remove a secret that nothing uses', params: Params } },
    async (request, reply) => {
      const principal = principalOf(request)
      const { id } = request.params
      const audit = auditOf(principal, 'secret.delete', id, `secret ${id} removed`)
      const outcome = await deps.store().secrets.remove(principal.tenant, id, ifMatch(request), audit)
      if (!outcome.ok && outcome.code === 'used')
        throw new Problem(
          409,
          'secret-used',
          `Secret ${id} is used by ${someOf(outcome.usedBy, 5)}.`,
          'Change those first; a new value is set with guise secret set.',
        )
      written(outcome, 'secret of that name')
      return reply.code(204).send()
    },
  )

  app.post(
    '/agents/:id/secrets',
    {
      schema: {
        tags,
        summary: 'The secrets that a plan gives to an agent, sealed to its key',
        params: Type.Object({ id: Type.String({ pattern: AGENT_NAME }) }),
        body: Asked,
      },
      config: { secret: true },
    },
    async (request) => {
      const principal = principalOf(request)
      const { tenant, via } = principal
      const agent = speakingAgent(request)
      const { publicKey, want } = request.body
      const { secrets } = deps.store()
      // Over the local socket its peer is root: who it is needs no key from before.
      const how = via.kind === 'local' ? 'anew' : 'first'
      const audit = auditOf(principal, 'agent.key', agent, `agent ${agent} is known by its key for secrets`)
      if (!(await secrets.introduce(tenant, agent, publicKey, how, audit)))
        throw new Problem(
          403,
          'other-key',
          `Agent ${agent} is known by another key.`,
          `If its home was lost, enrol it anew: guise token create --role agent --enrol --host ${agent}.`,
        )
      const given = (await givenTo(deps, tenant, agent)).flatMap(secretRefsIn)
      const known = new Set(given.map(keyOf))
      const allowed = want.filter((ref) => known.has(keyOf(ref)))
      return { items: await secrets.sealFor(tenant, agent, publicKey, allowed) }
    },
  )
}

function keyOf({ secret, version, digest }: SecretRef): string {
  return `${secret}\0${version}\0${digest}`
}
