/** Sources: where flows come from, how much of them is lost and where, and who sends them. Read only; agents tell. */
import { Type } from 'typebox'
import type { SourceRecord } from '../../model/records.ts'
import { SOURCE_KINDS, SOURCE_STATES } from '../../model/source-health.ts'
import { decodeCursor, pageSize, toPage } from '../../store/cursor.ts'
import { notFound } from '../problem.ts'
import { etag, IdParams, PageParams, pageQuery, principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['sources']
const ListQuery = Type.Object(
  {
    ...PageParams.properties,
    agent: Type.Optional(Type.String({ maxLength: 63 })),
    kind: Type.Optional(Type.Enum([...SOURCE_KINDS])),
    state: Type.Optional(Type.Enum([...SOURCE_STATES])),
    q: Type.Optional(Type.String({ maxLength: 200, description: 'part of a name, an agent or an exporter' })),
  },
  { additionalProperties: false },
)

export function sourceRoutes(app: Routes, deps: RouteDeps): void {
  app.get(
    '/sources',
    { schema: { tags, summary: 'Sources of all agents, with what they lost', querystring: ListQuery } },
    async (request) => {
      const { agent, kind, state, q, ...page } = request.query
      const query = pageQuery(page)
      const [afterAgent, afterName] = query.cursor === null ? ['', ''] : decodeCursor(query.cursor, ['', ''])
      const size = pageSize(query)
      const wanted = deps.control
        .sources(principalOf(request).tenant)
        .filter(
          (one) =>
            (agent === undefined || one.agent === agent) &&
            (kind === undefined || one.kind === kind) &&
            (state === undefined || one.state === state) &&
            (q === undefined || mentions(one, q.toLowerCase())) &&
            (one.agent > afterAgent || (one.agent === afterAgent && one.name > afterName)),
        )
      return toPage(
        wanted.slice(0, size + 1),
        size,
        (one) => [one.agent, one.name],
        (one) => one,
      )
    },
  )

  app.get(
    '/sources/:id',
    { schema: { tags, summary: 'One source, with its last hour', params: IdParams } },
    async (request, reply) => {
      const found = deps.control.source(principalOf(request).tenant, request.params.id)
      if (found === null) throw notFound('source of that id')
      return reply.header('etag', etag(found.version)).send(found)
    },
  )
}

function mentions(one: SourceRecord, text: string): boolean {
  return [one.name, one.agent, ...one.exporters.map(({ exporter }) => exporter)].some((word) =>
    word.toLowerCase().includes(text),
  )
}
