/**
 * The record as it begins: tenant in every key, `version` for compare-and-set, the generation counter, idempotency keys,
 * the ledger chain and the keys of its subjects. Documents are `json`, not `jsonb`: observed names may hold NUL, which
 * jsonb refuses. Times are epoch milliseconds. Hot tables leave room for HOT updates (fillfactor).
 */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(TABLES).execute(db)
}

const TABLES = `
create table tenants (
  tenant text primary key,
  generation bigint not null default 0,
  target text
);

create table settings (
  tenant text primary key,
  settings json not null,
  version integer not null
);

create table manifests (
  tenant text not null,
  kind text not null,
  id text not null,
  manifest json not null,
  builtin boolean not null,
  version integer not null,
  updated_at bigint not null,
  updated_by text not null,
  removed_at bigint,
  primary key (tenant, kind, id)
);

create table agents (
  tenant text not null,
  id text not null,
  host text not null,
  mode text not null,
  last_report bigint,
  applied json,
  counters json not null,
  version integer not null,
  primary key (tenant, id)
) with (fillfactor = 70);

create table agent_boots (
  tenant text not null,
  agent text not null,
  boot text not null,
  sequence bigint not null,
  at bigint not null,
  primary key (tenant, agent, boot)
) with (fillfactor = 70);

create table workloads (
  tenant text not null,
  id text not null,
  agent text not null,
  report json not null,
  assigned json,
  worn json,
  worn_since bigint,
  contained_until bigint,
  belief json,
  risk json,
  rate_out double precision not null default 0,
  rate_in double precision not null default 0,
  first_seen bigint not null,
  last_seen bigint not null,
  version integer not null,
  primary key (tenant, id)
) with (fillfactor = 60);

create table workload_history (
  tenant text not null,
  workload text not null,
  at bigint not null,
  bytes_out double precision not null,
  bytes_in double precision not null,
  belief json,
  risk double precision,
  primary key (tenant, workload, at)
);
create index workload_history_at on workload_history using brin (at);

create table evidence (
  tenant text not null,
  workload text not null,
  kind text not null,
  peer text not null,
  at bigint not null,
  ends_at bigint not null,
  evidence json not null,
  primary key (tenant, workload, kind, peer)
) with (fillfactor = 70);
create index evidence_at on evidence (tenant, at);

create table conversations (
  tenant text not null,
  workload text not null,
  peer text not null,
  port integer not null,
  proto integer not null,
  direction text not null check (direction in ('initiated', 'served')),
  start bigint not null,
  last bigint not null,
  flows double precision not null,
  failed double precision not null,
  bytes_out double precision not null,
  bytes_in double precision not null,
  service text,
  primary key (tenant, workload, peer, port, proto, direction, start)
) with (fillfactor = 70);
create index conversations_last on conversations (tenant, workload, last);
create index conversations_age on conversations using brin (last);

create table plans (
  tenant text not null,
  id text not null,
  parent text,
  system text not null,
  timeline integer not null,
  n bigint not null,
  state text not null,
  plan json not null,
  approved_by json not null,
  updated_at bigint not null,
  version integer not null,
  primary key (tenant, id),
  unique (tenant, system, timeline, n)
);
create index plans_newest on plans (tenant, n desc);

create table plan_approvals (
  tenant text not null,
  plan text not null,
  approver text not null,
  note text not null,
  at bigint not null,
  primary key (tenant, plan, approver),
  foreign key (tenant, plan) references plans (tenant, id)
);

create table shifts (
  tenant text not null,
  id text not null,
  workload text not null,
  worn_before json,
  wanted json not null,
  plan text,
  state text not null,
  requested_by text not null,
  why json not null,
  until bigint,
  created_at bigint not null,
  updated_at bigint not null,
  version integer not null,
  primary key (tenant, id)
);
create index shifts_workload on shifts (tenant, workload, created_at);
create index shifts_plan on shifts (tenant, plan);
create index shifts_newest on shifts (tenant, created_at, id);
create index shifts_due on shifts (tenant, until) where state = 'confirmed' and until is not null;

create table ledger (
  tenant text not null,
  n bigint not null,
  entry text not null check (entry in ('audit', 'decision')),
  at bigint not null,
  decision text,
  workload text,
  body text not null,
  hash bytea not null,
  primary key (tenant, n)
);
create unique index ledger_decision on ledger (tenant, decision) where decision is not null;
create index ledger_entry on ledger (tenant, entry, n desc);
create index ledger_workload on ledger (tenant, workload, n desc) where workload is not null;

create table ledger_heads (
  tenant text primary key,
  n bigint not null,
  hash bytea not null,
  signature bytea
) with (fillfactor = 50);

create table subject_keys (
  tenant text not null,
  id text not null,
  subject text,
  wrapped bytea,
  created_at bigint not null,
  destroyed_at bigint,
  primary key (tenant, id),
  check ((wrapped is null) = (destroyed_at is not null)),
  check ((subject is null) = (destroyed_at is not null))
);
create unique index subject_keys_live on subject_keys (tenant, subject) where subject is not null;

create table tokens (
  tenant text not null,
  id text not null,
  name text not null,
  role text not null,
  agent text,
  hash text not null,
  created_at bigint not null,
  expires_at bigint,
  last_used bigint,
  spent_at bigint,
  primary key (tenant, id),
  unique (id)
);

create table sessions (
  tenant text not null,
  id text not null,
  token text not null,
  csrf text not null,
  created_at bigint not null,
  expires_at bigint not null,
  primary key (tenant, id),
  unique (id)
);

create table idempotency_keys (
  tenant text not null,
  actor text not null,
  key text not null,
  body_hash text not null,
  status integer not null,
  body json not null,
  at bigint not null,
  primary key (tenant, actor, key)
);
create index idempotency_keys_at on idempotency_keys using brin (at);
`
