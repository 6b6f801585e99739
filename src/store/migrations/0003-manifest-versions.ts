/** Every version of a manifest as it was written, beside the newest in `manifests`; what is there now is the first one kept. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(TABLES).execute(db)
}

const TABLES = `
create table manifest_versions (
  tenant text not null,
  kind text not null,
  id text not null,
  version integer not null,
  at bigint not null,
  by text not null,
  manifest json,
  primary key (tenant, kind, id, version)
);

insert into manifest_versions (tenant, kind, id, version, at, by, manifest)
select tenant, kind, id, version, coalesce(removed_at, updated_at), updated_by,
  case when removed_at is null then manifest end
from manifests;
`
