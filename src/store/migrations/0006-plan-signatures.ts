/** What approvers signed, beside who they are: passed on to agents, whose hosts know the keys. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table plan_approvals add column signatures json').execute(db)
}
