/** Conversations older than a day, summed by the hour: what learnt rules rest on. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(TABLES).execute(db)
}

const TABLES = `
create table conversation_hours (
  tenant text not null,
  workload text not null,
  peer text not null,
  port integer not null,
  proto integer not null,
  direction text not null check (direction in ('initiated', 'served')),
  hour bigint not null,
  steps integer not null,
  flows double precision not null,
  failed double precision not null,
  primary key (tenant, workload, peer, port, proto, direction, hour)
);
create index conversation_hours_hour on conversation_hours (tenant, workload, hour);
create index conversation_hours_age on conversation_hours using brin (hour);
`
