table agent_boots with (fillfactor=70)
  tenant text not null
  agent text not null
  boot text not null
  sequence bigint not null
  at bigint not null
  agent_boots_pkey: PRIMARY KEY (tenant, agent, boot)
table agent_keys
  tenant text not null
  agent text not null
  public_key text not null
  at bigint not null
  agent_keys_pkey: PRIMARY KEY (tenant, agent)
table agents with (fillfactor=70)
  tenant text not null
  id text not null
  host text not null
  mode text not null
  last_report bigint
  applied json
  counters json not null
  version integer not null
  agents_pkey: PRIMARY KEY (tenant, id)
table conversation_hours
  tenant text not null
  workload text not null
  peer text not null
  port integer not null
  proto integer not null
  direction text not null
  hour bigint not null
  steps integer not null
  flows double precision not null
  failed double precision not null
  conversation_hours_direction_check: CHECK ((direction = ANY (ARRAY['initiated'::text, 'served'::text])))
  conversation_hours_pkey: PRIMARY KEY (tenant, workload, peer, port, proto, direction, hour)
  CREATE INDEX conversation_hours_age ON public.conversation_hours USING brin (hour)
  CREATE INDEX conversation_hours_hour ON public.conversation_hours USING btree (tenant, workload, hour)
table conversations with (fillfactor=70)
  tenant text not null
  workload text not null
  peer text not null
  port integer not null
  proto integer not null
  direction text not null
  start bigint not null
  last bigint not null
  flows double precision not null
  failed double precision not null
  bytes_out double precision not null
  bytes_in double precision not null
  service text
  conversations_direction_check: CHECK ((direction = ANY (ARRAY['initiated'::text, 'served'::text])))
  conversations_pkey: PRIMARY KEY (tenant, workload, peer, port, proto, direction, start)
  CREATE INDEX conversations_age ON public.conversations USING brin (last)
  CREATE INDEX conversations_last ON public.conversations USING btree (tenant, workload, last)
table evidence with (fillfactor=70)
  tenant text not null
  workload text not null
  kind text not null
  peer text not null
  at bigint not null
  ends_at bigint not null
  evidence json not null
  evidence_pkey: PRIMARY KEY (tenant, workload, kind, peer)
  CREATE INDEX evidence_at ON public.evidence USING btree (tenant, at)
table idempotency_keys
  tenant text not null
  actor text not null
  key text not null
  body_hash text not null
  status integer not null
  body json not null
  at bigint not null
  idempotency_keys_pkey: PRIMARY KEY (tenant, actor, key)
  CREATE INDEX idempotency_keys_at ON public.idempotency_keys USING brin (at)
table ledger
  tenant text not null
  n bigint not null
  entry text not null
  at bigint not null
  decision text
  workload text
  body text not null
  hash bytea not null
  ledger_entry_check: CHECK ((entry = ANY (ARRAY['audit'::text, 'decision'::text])))
  ledger_pkey: PRIMARY KEY (tenant, n)
  CREATE INDEX ledger_entry ON public.ledger USING btree (tenant, entry, n DESC)
  CREATE INDEX ledger_workload ON public.ledger USING btree (tenant, workload, n DESC) WHERE (workload IS NOT NULL)
  CREATE UNIQUE INDEX ledger_decision ON public.ledger USING btree (tenant, decision) WHERE (decision IS NOT NULL)
table ledger_heads with (fillfactor=50)
  tenant text not null
  n bigint not null
  hash bytea not null
  signature bytea
  ledger_heads_pkey: PRIMARY KEY (tenant)
table lessons
  tenant text not null
  workload text not null
  persona text not null
  vectors json not null
  at bigint not null
  by text not null
  lessons_pkey: PRIMARY KEY (tenant, workload)
table manifest_versions
  tenant text not null
  kind text not null
  id text not null
  version integer not null
  at bigint not null
  by text not null
  manifest json
  manifest_versions_pkey: PRIMARY KEY (tenant, kind, id, version)
table manifests
  tenant text not null
  kind text not null
  id text not null
  manifest json not null
  builtin boolean not null
  version integer not null
  updated_at bigint not null
  updated_by text not null
  removed_at bigint
  manifests_pkey: PRIMARY KEY (tenant, kind, id)
table model_promotions
  tenant text not null
  n integer not null
  model text not null
  act text not null
  back integer
  why text not null
  by text not null
  at bigint not null
  model_promotions_act_check: CHECK ((act = ANY (ARRAY['shipped'::text, 'promoted'::text, 'rolled-back'::text])))
  model_promotions_pkey: PRIMARY KEY (tenant, n)
  model_promotions_tenant_model_fkey: FOREIGN KEY (tenant, model) REFERENCES models(tenant, id)
table models
  tenant text not null
  id text not null
  name text not null
  kind text not null
  features text not null
  personas json not null
  provenance json not null
  file json not null
  added_by text not null
  added_at bigint not null
  models_kind_check: CHECK ((kind = ANY (ARRAY['shipped'::text, 'added'::text])))
  models_pkey: PRIMARY KEY (tenant, id)
table plan_approvals
  tenant text not null
  plan text not null
  approver text not null
  note text not null
  at bigint not null
  signatures json
  plan_approvals_pkey: PRIMARY KEY (tenant, plan, approver)
  plan_approvals_tenant_plan_fkey: FOREIGN KEY (tenant, plan) REFERENCES plans(tenant, id)
table plans
  tenant text not null
  id text not null
  parent text
  system text not null
  timeline integer not null
  n bigint not null
  state text not null
  plan json not null
  approved_by json not null
  updated_at bigint not null
  version integer not null
  plans_pkey: PRIMARY KEY (tenant, id)
  plans_tenant_system_timeline_n_key: UNIQUE (tenant, system, timeline, n)
  CREATE INDEX plans_newest ON public.plans USING btree (tenant, n DESC)
  CREATE INDEX plans_under_way ON public.plans USING btree (tenant, n) WHERE (state = ANY (ARRAY['proposed'::text, 'shadowed'::text, 'approved'::text, 'applying'::text, 'confirming'::text]))
table proposals
  tenant text not null
  id text not null
  state text not null
  proposal json not null
  updated_at bigint not null
  version integer not null
  proposals_pkey: PRIMARY KEY (tenant, id)
table secrets
  tenant text not null
  name text not null
  version integer not null
  sealed bytea
  digest text not null
  at bigint not null
  by text not null
  secrets_pkey: PRIMARY KEY (tenant, name, version)
table service_hours
  tenant text not null
  workload text not null
  hour bigint not null
  service text not null
  bytes double precision not null
  service_hours_pkey: PRIMARY KEY (tenant, workload, hour, service)
  CREATE INDEX service_hours_hour ON public.service_hours USING btree (hour)
table sessions
  tenant text not null
  id text not null
  token text not null
  csrf text not null
  created_at bigint not null
  expires_at bigint not null
  sessions_id_key: UNIQUE (id)
  sessions_pkey: PRIMARY KEY (tenant, id)
table settings
  tenant text not null
  settings json not null
  version integer not null
  settings_pkey: PRIMARY KEY (tenant)
table shifts
  tenant text not null
  id text not null
  workload text not null
  worn_before json
  wanted json not null
  plan text
  state text not null
  requested_by text not null
  why json not null
  until bigint
  created_at bigint not null
  updated_at bigint not null
  version integer not null
  shifts_pkey: PRIMARY KEY (tenant, id)
  CREATE INDEX shifts_current ON public.shifts USING btree (tenant, created_at, id) WHERE (state = ANY (ARRAY['proposed'::text, 'shadowed'::text, 'approved'::text, 'applying'::text, 'confirming'::text, 'confirmed'::text]))
  CREATE INDEX shifts_due ON public.shifts USING btree (tenant, until) WHERE ((state = 'confirmed'::text) AND (until IS NOT NULL))
  CREATE INDEX shifts_newest ON public.shifts USING btree (tenant, created_at, id)
  CREATE INDEX shifts_plan ON public.shifts USING btree (tenant, plan)
  CREATE INDEX shifts_workload ON public.shifts USING btree (tenant, workload, created_at)
table subject_keys
  tenant text not null
  id text not null
  subject text
  wrapped bytea
  created_at bigint not null
  destroyed_at bigint
  subject_keys_check1: CHECK (((subject IS NULL) = (destroyed_at IS NOT NULL)))
  subject_keys_check: CHECK (((wrapped IS NULL) = (destroyed_at IS NOT NULL)))
  subject_keys_pkey: PRIMARY KEY (tenant, id)
  CREATE UNIQUE INDEX subject_keys_live ON public.subject_keys USING btree (tenant, subject) WHERE (subject IS NOT NULL)
table tenants
  tenant text not null
  generation bigint not null default 0
  target text
  tenants_pkey: PRIMARY KEY (tenant)
table tokens
  tenant text not null
  id text not null
  name text not null
  role text not null
  agent text
  hash text not null
  created_at bigint not null
  expires_at bigint
  last_used bigint
  spent_at bigint
  tokens_id_key: UNIQUE (id)
  tokens_pkey: PRIMARY KEY (tenant, id)
table traffic_steps
  tenant text not null
  workload text not null
  step_ms integer not null
  start bigint not null
  seen_ms integer not null
  bytes_out double precision not null
  bytes_in double precision not null
  traffic_steps_pkey: PRIMARY KEY (tenant, workload, step_ms, start)
  traffic_steps_step_ms_check: CHECK ((step_ms = ANY (ARRAY[300000, 3600000])))
  CREATE INDEX traffic_steps_start ON public.traffic_steps USING btree (step_ms, start)
table workload_history
  tenant text not null
  workload text not null
  at bigint not null
  bytes_out double precision not null
  bytes_in double precision not null
  belief json
  risk double precision
  workload_history_pkey: PRIMARY KEY (tenant, workload, at)
  CREATE INDEX workload_history_at ON public.workload_history USING brin (at)
table workloads with (fillfactor=60)
  tenant text not null
  id text not null
  agent text not null
  report json not null
  assigned json
  worn json
  worn_since bigint
  contained_until bigint
  belief json
  risk json
  rate_out double precision not null default 0
  rate_in double precision not null default 0
  first_seen bigint not null
  last_seen bigint not null
  version integer not null
  workloads_pkey: PRIMARY KEY (tenant, id)
