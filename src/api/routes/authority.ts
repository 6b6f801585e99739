/** What automation may do by itself: the table of modes, caps and classes, and whether it stands still and why. */
import { Type } from 'typebox'
import { APPROVAL_ROWS, CAP_ROWS, MODE_ROWS } from '../../decide/authority.ts'
import { refused } from '../problem.ts'
import { principalOf, type RouteDeps, type Routes } from '../route.ts'

const tags = ['plans']
const Because = Type.Object({ why: Type.Optional(Type.String({ maxLength: 500 })) }, { additionalProperties: false })

export function authorityRoutes(app: Routes, deps: RouteDeps): void {
  const read = async (tenant: ReturnType<typeof principalOf>['tenant']) => {
    const [settings, workloads] = await Promise.all([
      deps.store().settings.get(tenant),
      deps.store().workloads.all(tenant),
    ])
    const caps = CAP_ROWS.map(({ rule, words, most }) => ({
      rule,
      text: words(settings, workloads.length),
      most: most(settings, workloads.length),
    }))
    return {
      modes: Object.entries(MODE_ROWS).map(([mode, row]) => ({ mode, ...row })),
      caps,
      classes: APPROVAL_ROWS.map(({ rule, approval, words }) => ({ rule, approval, text: words })),
      failSafeOff: settings.failSafeOff ?? [],
      tripped: settings.tripped ?? null,
      pinned: settings.pinned ?? null,
    }
  }

  app.get(
    '/authority',
    { schema: { tags, summary: 'Modes, caps and approval classes; whether automation stands still' } },
    async (request) => read(principalOf(request).tenant),
  )

  app.post(
    '/authority/resume',
    {
      schema: {
        tags,
        summary: 'Let automation go on after a broken cap, or a rollback to a generation',
        body: Type.Union([Because, Type.Null()]),
      },
    },
    async (request) => {
      const { tenant, actor } = principalOf(request)
      const outcome = await deps.control.resume({
        tenant,
        by: actor,
        why: request.body?.why ?? `${actor} asked for it`,
      })
      if (!outcome.ok) throw refused(outcome)
      return read(tenant)
    },
  )
}
