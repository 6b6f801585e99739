/** What the whole installation is set to: its own networks, what is never blocked, the caps of automation. */
import { Type } from 'typebox'
import { parseCidr } from '../../model/address.ts'
import { Problem } from '../problem.ts'
import {
  auditOf,
  changed,
  etag,
  ifMatch,
  notModified,
  principalOf,
  type RouteDeps,
  type Routes,
  written,
} from '../route.ts'

const tags = ['settings']
const Cidrs = (maxItems: number) => Type.Array(Type.String({ maxLength: 64 }), { maxItems })
const Body = Type.Object(
  {
    homeNetworks: Cidrs(1_000),
    neverBlock: Cidrs(10_000),
    resolvers: Type.Optional(Cidrs(200)),
    maxChangesPerMinute: Type.Integer({ minimum: 0, maximum: 100_000 }),
    maxShareOfFleet: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    failSafeOff: Type.Optional(Type.Array(Type.String({ pattern: '^failsafe/[a-z0-9-]{1,40}$' }), { maxItems: 50 })),
    confirmWithinMs: Type.Integer({ minimum: 1_000, maximum: 3_600_000 }),
    version: Type.Optional(Type.Integer()),
  },
  { additionalProperties: false },
)

export function settingsRoutes(app: Routes, deps: RouteDeps): void {
  app.get('/settings', { schema: { tags, summary: 'Settings' } }, async (request, reply) => {
    const settings = await deps.store().settings.get(principalOf(request).tenant)
    if (notModified(request, reply, settings.version)) return reply.code(304).send()
    return settings
  })

  app.put('/settings', { schema: { tags, summary: 'Change settings', body: Body } }, async (request, reply) => {
    const principal = principalOf(request)
    const expected = ifMatch(request)
    const { homeNetworks, neverBlock, maxChangesPerMinute, confirmWithinMs, version: _version, ...more } = request.body
    for (const [field, list] of Object.entries({ homeNetworks, neverBlock, resolvers: more.resolvers ?? [] })) {
      const wrong = list.findIndex((text) => parseCidr(text) === null)
      if (wrong >= 0) {
        throw new Problem(
          422,
          'bad-network',
          `${field} holds what is not a network.`,
          'Write 10.0.0.0/8, host bits zero.',
          {
            errors: [{ pointer: `/${field}/${wrong}`, message: 'is not an address or CIDR' }],
          },
        )
      }
    }
    const current = await deps.store().settings.get(principal.tenant)
    if (expected !== null && expected !== current.version) throw changed()
    const settings = written(
      await deps.store().settings.put(
        principal.tenant,
        // What is not named stays; whether automation stands still is not said here.
        { ...current, ...more, homeNetworks, neverBlock, maxChangesPerMinute, confirmWithinMs },
        auditOf(
          principal,
          'settings.change',
          'settings',
          `${neverBlock.length} never-block entries, cap ${maxChangesPerMinute}/min`,
        ),
      ),
      'settings',
    )
    deps.control.manifestsChanged(principal.tenant)
    return reply.header('etag', etag(settings.version)).send(settings)
  })
}
