/** Proposed personas: what was found, and a person's word on it. Accepting writes a persona as `POST /personas` does; nobody wears it by that. */
import { Type } from 'typebox'
import { draftPersona } from '../../learn/discover/edit.ts'
import { type PersonaId, slug, type TenantId, type WorkloadId } from '../../model/ids.ts'
import type { PersonaManifest } from '../../model/manifest.ts'
import { PROPOSAL_STATES, type ProposalAct, type ProposalDetail, type ProposalRecord } from '../../model/proposal.ts'
import { standGate } from '../ask-gate.ts'
import { pointerTo, readManifest } from '../manifest-body.ts'
import { runTestsBeforeWrite } from '../policy-gate.ts'
import type { Principal } from '../principal.ts'
import { notFound, Problem, refused } from '../problem.ts'
import { auditOf, etag, IdParams, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['proposals']
const closed = { additionalProperties: false } as const
const Name = Type.String({ minLength: 1, maxLength: 63 })
const Id = Type.String({ minLength: 1, maxLength: 128 })
const Act = Type.Union([
  Type.Object({ do: Type.Literal('accept'), despite: Type.Optional(Type.Literal('unseen-traffic')) }, closed),
  Type.Object({ do: Type.Literal('reject') }, closed),
  Type.Object({ do: Type.Literal('rename'), name: Name }, closed),
  Type.Object({ do: Type.Literal('merge'), into: Id }, closed),
  Type.Object({ do: Type.Literal('split'), workloads: Type.Array(Id, { minItems: 1, maxItems: 1_000 }) }, closed),
])
const Query = Type.Object({ state: Type.Optional(Type.Enum(PROPOSAL_STATES)) }, closed)
const Feedback = Type.Object({ persona: Name }, closed)

export function proposalRoutes(app: Routes, deps: RouteDeps): void {
  const find = async (tenant: TenantId, id: string): Promise<ProposalRecord> => {
    const record = (await deps.store().proposals.all(tenant)).find((one) => one.id === id)
    if (record === undefined) throw notFound('proposal of that id')
    return record
  }

  app.get(
    '/proposals',
    { schema: { tags, summary: 'Personas that were proposed, changed last first', querystring: Query } },
    async (request) => {
      const { state } = request.query
      const all = await deps.store().proposals.all(principalOf(request).tenant)
      return { items: all.filter((one) => state === undefined || one.state === state), next: null }
    },
  )

  app.get(
    // Not below /personas, where a persona may be called map.
    '/persona-map',
    {
      schema: {
        tags: ['personas'],
        summary: 'Who behaves alike: personas, workloads and proposals as places on a plane',
        description:
          'The plane is that of the prototypes of the model in force (its two principal components, in its own units), so that it stays as windows come and go. Workloads are where their last windows are, at most 2,000, strays first.',
      },
    },
    async (request) => deps.control.personaMap(principalOf(request).tenant),
  )

  app.get(
    '/proposals/:id',
    { schema: { tags, summary: 'One proposal, with the persona that accepting it writes', params: IdParams } },
    async (request, reply) => {
      const { tenant } = principalOf(request)
      const record = await find(tenant, request.params.id)
      const names = await deps.store().workloads.names(tenant, record.workloads)
      const detail: ProposalDetail = { ...record, names: Object.fromEntries(names), manifest: draftPersona(record) }
      return reply.header('etag', etag(record.version)).send(detail)
    },
  )

  app.post(
    '/proposals/:id',
    {
      schema: {
        tags,
        summary: 'Accept, reject, rename, merge or split a proposal',
        description:
          'accept writes its persona, which nobody wears until somebody is shifted to it or declares it. It is refused while too much of their traffic was not seen yet (see gate), unless it is said to be despite that.',
        params: IdParams,
        body: Act,
      },
    },
    async (request) => {
      const principal = principalOf(request)
      const { tenant, actor } = principal
      const proposal = request.params.id
      const { body } = request
      const act: ProposalAct =
        body.do === 'accept'
          ? { do: 'accept', persona: await writePersona(principal, await find(tenant, proposal), body.despite) }
          : body.do === 'split'
            ? { do: 'split', workloads: body.workloads as WorkloadId[] }
            : body
      const outcome = await deps.control.changeProposal({ tenant, proposal, act, by: actor })
      if (!outcome.ok) throw refused(outcome)
      return outcome.value
    },
  )

  app.post(
    '/workloads/:id/feedback',
    {
      schema: {
        tags: ['workloads'],
        summary: 'Say what a workload is: kept, and learnt from its last windows',
        params: IdParams,
        body: Feedback,
      },
    },
    async (request) => {
      const { tenant, actor } = principalOf(request)
      const workload = request.params.id as WorkloadId
      if ((await deps.store().workloads.get(tenant, workload)) === null) throw notFound('workload of that id')
      const manifest = await deps.store().manifests.get(tenant, 'Persona', slug(request.body.persona))
      if (manifest === null || manifest.manifest.kind !== 'Persona') throw notFound('persona of that name')
      const { spec, metadata } = manifest.manifest
      const persona = spec.recognisedAs ?? metadata.name
      const outcome = await deps.control.teach({ tenant, workload, persona, by: actor })
      if (!outcome.ok) throw refused(outcome)
      const { vectors, at } = outcome.value
      return { workload, persona, windows: vectors.length, at }
    },
  )

  /** Written before the proposal is marked: said again after a death in between, the persona is found as it was to be. */
  async function writePersona(
    principal: Principal,
    record: ProposalRecord,
    despite: 'unseen-traffic' | undefined,
  ): Promise<PersonaId> {
    const id = slug(record.name) as PersonaId
    if (record.state !== 'open' && record.state !== 'rejected') return (record.became ?? id) as PersonaId
    const manifest = readManifest(draftPersona(record), 'Persona') as PersonaManifest
    const faultAt = (_: number, path: readonly (string | number)[], message: string) => ({
      pointer: pointerTo(path),
      message,
    })
    await runTestsBeforeWrite(deps, principal.tenant, [manifest], faultAt)
    const known = await deps.store().manifests.get(principal.tenant, 'Persona', id)
    if (known !== null) {
      if (known.manifest.metadata.description === record.description) return id
      throw new Problem(409, 'exists', `There is a persona ${record.name} already.`, 'Rename the proposal first.')
    }
    const { sentence } = await standGate(deps, principal.tenant, record, despite)
    const summary = `persona "${record.name}", proposed as ${record.id}, ${sentence}`
    const audit = auditOf(principal, 'persona.create', id, summary)
    const written = await deps.store().manifests.apply(principal.tenant, [{ manifest, ifVersion: 0 }], audit)
    if (!written.ok)
      throw new Problem(409, 'exists', `There is a persona ${record.name} already.`, 'Rename the proposal first.')
    deps.control.manifestsChanged(principal.tenant)
    return id
  }
}
