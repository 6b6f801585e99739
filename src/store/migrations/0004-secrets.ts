/** Secrets by version, sealed with a key that is not in the database, and the keys agents are told secrets by. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(TABLES).execute(db)
}

const TABLES = `
create table secrets (
  tenant text not null,
  name text not null,
  version integer not null,
  sealed bytea,
  digest text not null,
  at bigint not null,
  by text not null,
  primary key (tenant, name, version)
);

create table agent_keys (
  tenant text not null,
  agent text not null,
  public_key text not null,
  at bigint not null,
  primary key (tenant, agent)
);
`
