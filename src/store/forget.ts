/**
 * Forgets a person: destroys the key that seals their name in the ledger, and blanks the name where other rows hold it.
 * The chain still verifies, because it hashes the sealed text.
 */
import { sql } from 'kysely'
import type { TenantId } from '../model/ids.ts'
import type { Audit } from '../model/store.ts'
import { mentions } from './ledger-append.ts'
import { type Context, change, type Tx } from './record-context.ts'
import { FORGOTTEN, subjectOf } from './subject-keys.ts'

/** How many ledger rows became unreadable in part. */
export async function forget(context: Context, tenant: TenantId, subject: string, audit: Audit): Promise<number> {
  const person = subjectOf(subject) ?? subject
  const result = await change(
    context,
    tenant,
    anonymous(audit, person, context.keys.pseudonym(tenant, person)),
    async (tx) => {
      const key = await tx
        .updateTable('subject_keys')
        .set({ wrapped: null, subject: null, destroyed_at: context.clock() })
        .where('tenant', '=', tenant)
        .where('subject', '=', context.keys.pseudonym(tenant, person))
        .returning('id')
        .executeTakeFirst()
      const names = [person, `session:${person}`]
      await tx
        .updateTable('manifests')
        .set({ updated_by: FORGOTTEN })
        .where('tenant', '=', tenant)
        .where('updated_by', 'in', names)
        .execute()
      await tx
        .updateTable('shifts')
        .set({ requested_by: FORGOTTEN })
        .where('tenant', '=', tenant)
        .where('requested_by', 'in', names)
        .execute()
      await tx
        .updateTable('lessons')
        .set({ by: FORGOTTEN })
        .where('tenant', '=', tenant)
        .where('by', 'in', names)
        .execute()
      await tx
        .updateTable('models')
        .set({ added_by: FORGOTTEN })
        .where('tenant', '=', tenant)
        .where('added_by', 'in', names)
        .execute()
      await tx
        .updateTable('model_promotions')
        .set({ by: FORGOTTEN })
        .where('tenant', '=', tenant)
        .where('by', 'in', names)
        .execute()
      await sql`update plan_approvals set approver = ${FORGOTTEN} || ' ' || left(md5(random()::text), 8)
      where tenant = ${tenant} and approver in (${sql.join(names)})`.execute(tx)
      await forgetInPlans(tx, tenant, names)
      await tx
        .updateTable('tokens')
        .set({ name: FORGOTTEN })
        .where('tenant', '=', tenant)
        .where('name', 'in', names)
        .execute()
      await tx.deleteFrom('idempotency_keys').where('tenant', '=', tenant).where('actor', 'in', names).execute()
      if (key === undefined) return { ok: true, value: 0 }
      const counted = await sql<{ rows: number }>`select count(*) as rows from ledger
      where tenant = ${tenant} and position(${`"by":"${key.id}"`} in body) > 0`.execute(tx)
      return { ok: true, value: counted.rows[0]!.rows }
    },
  )
  return result.ok ? result.value : 0
}

/** Read and written here, not by SQL: PostgreSQL cannot look into JSON that holds an escaped NUL. */
async function forgetInPlans(tx: Tx, tenant: TenantId, names: readonly string[]): Promise<void> {
  const named = sql.join(
    names.map((name) => sql`position(${JSON.stringify(name)} in concat(plan, approved_by)) > 0`),
    sql` or `,
  )
  const rows = await tx
    .selectFrom('plans')
    .select(['id', 'plan', 'approved_by'])
    .where('tenant', '=', tenant)
    .where(sql<boolean>`(${named})`)
    .forUpdate()
    .execute()
  for (const { id, plan, approved_by } of rows) {
    const blank = (name: string) => (names.includes(name) ? FORGOTTEN : name)
    await tx
      .updateTable('plans')
      .set({
        plan: JSON.stringify({ ...plan, proposedBy: blank(plan.proposedBy) }),
        approved_by: JSON.stringify(approved_by.map(blank)),
      })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .execute()
  }
}

/** The line that says so must not say the name again. */
function anonymous(audit: Audit, person: string, pseudonym: string): Audit {
  const hidden = (text: string) =>
    mentions(text, person)
      ? text.replace(
          new RegExp(
            person.replace(/[^\p{L}\p{N}]/gu, (sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`),
            'giu',
          ),
          pseudonym,
        )
      : text
  const isSelf = subjectOf(audit.actor) === person
  return {
    actor: isSelf ? 'guise' : audit.actor,
    action: audit.action,
    object: hidden(audit.object),
    summary: hidden(audit.summary),
  }
}
