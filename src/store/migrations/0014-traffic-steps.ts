/** Traffic summed by 5 minutes and by the hour, and by service: what forecasts rest on. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(TABLES).execute(db)
}

const TABLES = `
create table traffic_steps (
  tenant text not null,
  workload text not null,
  step_ms integer not null check (step_ms in (300000, 3600000)),
  start bigint not null,
  seen_ms integer not null,
  bytes_out double precision not null,
  bytes_in double precision not null,
  primary key (tenant, workload, step_ms, start)
);
create index traffic_steps_start on traffic_steps (step_ms, start);
create table service_hours (
  tenant text not null,
  workload text not null,
  hour bigint not null,
  service text not null,
  bytes double precision not null,
  primary key (tenant, workload, hour, service)
);
create index service_hours_hour on service_hours (hour);
`
