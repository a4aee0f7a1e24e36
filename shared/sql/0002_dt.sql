-- Digital-twin services: schema `dt`. No column ever holds a password or a token.
-- Locks are taken in this order: the service, its runs, then what lies in 0003.
create schema if not exists dt;

create table dt.service (
  id text collate "C" primary key check (id ~ '^[0-9a-f]{24}$'),
  -- As text, since the order of its variables is kept.
  spec json not null,
  labels json not null default '{}',
  job_type text not null check (job_type in ('persistent', 'ondemand', 'scheduled')),
  -- Of the resource; null before it is known.
  uid text,
  phase text not null check (
    phase in (
      'launching', 'pending', 'queued', 'running', 'scheduled', 'serving', 'succeeded', 'failed', 'terminated', 'removing'
    )
  ),
  reason text,
  active integer not null default 0 check (active >= 0),
  succeeded integer not null default 0 check (succeeded >= 0),
  failed integer not null default 0 check (failed >= 0),
  url text,
  firing bigint not null default 0 check (firing >= -1),
  created_at timestamptz not null,
  ended_at timestamptz,
  retention_days integer check (retention_days >= 0),
  claimed_until timestamptz,
  check ((phase in ('succeeded', 'failed', 'terminated')) <= (ended_at is not null))
)
with (fillfactor = 70);

-- Their place in the list.
create index service_place on dt.service (created_at, id) where phase not in ('launching', 'removing');
-- What a sweep reads: ended services are not in it.
create index service_unfinished on dt.service (created_at, id)
  where phase not in ('succeeded', 'failed', 'terminated');
create index service_ended on dt.service (ended_at, id) where phase in ('succeeded', 'failed', 'terminated');

create table dt.run (
  service_id text collate "C" not null references dt.service on delete cascade,
  firing bigint not null check (firing >= 0),
  run_index integer not null check (run_index >= 0),
  attempt integer not null check (attempt >= 0),
  pod text not null,
  phase text not null check (phase in ('pending', 'running', 'finishing', 'succeeded', 'failed')),
  exit_code integer,
  reason text,
  started_at timestamptz,
  ended_at timestamptz,
  log_tail text,
  primary key (service_id, firing, run_index, attempt),
  check ((phase in ('succeeded', 'failed')) = (ended_at is not null))
);

-- What became of services and was not told yet, in order per service. What was told is deleted.
create table dt.change (
  id text collate "C" not null,
  seq bigint generated always as identity unique,
  kind text not null check (
    kind in ('launched', 'run.started', 'run.succeeded', 'run.failed', 'output.stored', 'completed', 'terminated')
  ),
  firing bigint,
  run_index integer,
  attempt integer,
  detail jsonb not null default '{}',
  at timestamptz not null,
  attempts integer not null default 0 check (attempts >= 0),
  due_at timestamptz not null,
  claimed_until timestamptz,
  primary key (id, seq),
  check ((firing is null) = (run_index is null) and (firing is null) = (attempt is null))
);

-- One row: which interval of the loop was taken last, and which one was completed.
create table dt.loop (
  singleton boolean primary key default true check (singleton),
  installed_at timestamptz not null,
  taken_slot bigint,
  completed_slot bigint,
  completed_at timestamptz
);
