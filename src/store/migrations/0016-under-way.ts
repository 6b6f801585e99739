/** What is under way or in force is looked for with every report, among all that ever was: found by its state. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(INDEXES).execute(db)
}

const INDEXES = `
create index plans_under_way on plans (tenant, n)
  where state in ('proposed', 'shadowed', 'approved', 'applying', 'confirming');
create index shifts_current on shifts (tenant, created_at, id)
  where state in ('proposed', 'shadowed', 'approved', 'applying', 'confirming', 'confirmed');
`
