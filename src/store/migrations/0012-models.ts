/** Trained models, whole, and which of them was in force when. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(TABLES).execute(db)
}

const TABLES = `
create table models (
  tenant text not null,
  id text not null,
  name text not null,
  kind text not null check (kind in ('shipped', 'added')),
  features text not null,
  personas json not null,
  provenance json not null,
  file json not null,
  added_by text not null,
  added_at bigint not null,
  primary key (tenant, id)
);

create table model_promotions (
  tenant text not null,
  n integer not null,
  model text not null,
  act text not null check (act in ('shipped', 'promoted', 'rolled-back')),
  back integer,
  why text not null,
  by text not null,
  at bigint not null,
  primary key (tenant, n),
  foreign key (tenant, model) references models (tenant, id)
);
`
