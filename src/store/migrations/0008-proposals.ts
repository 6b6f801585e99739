/** Personas that were proposed, and what people said a workload is. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(TABLES).execute(db)
}

const TABLES = `
create table proposals (
  tenant text not null,
  id text not null,
  state text not null,
  proposal json not null,
  updated_at bigint not null,
  version integer not null,
  primary key (tenant, id)
);

create table lessons (
  tenant text not null,
  workload text not null,
  persona text not null,
  vectors json not null,
  at bigint not null,
  by text not null,
  primary key (tenant, workload)
);
`
