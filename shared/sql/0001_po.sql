-- FLAME analyses: schema `po`. No column ever holds a password or a token.
-- Locks are taken in this order: the analysis, its identity, then what belongs to it.

-- Highest run number that an analysis id ever had. Nothing deletes these rows.
create table po.identity (
  id uuid primary key,
  last_run integer not null default 0 check (last_run >= 0)
);

-- The current incarnation of each id. A later one takes its place only when it was archived.
create table po.analysis (
  key bigint generated always as identity primary key,
  id uuid not null unique references po.identity,
  spelling text not null,
  project_id text not null,
  image text not null,
  registry_host text not null,
  needs_kong boolean not null,
  state text not null check (
    state in ('starting', 'started', 'executing', 'restarting', 'stopping', 'executed', 'stopped', 'failed')
  ),
  progress smallint not null check (progress between 0 and 100),
  cause text,
  first_run integer not null check (first_run >= 1),
  run integer not null check (run >= first_run),
  restarts integer not null default 0 check (restarts >= 0),
  since timestamptz not null,
  run_since timestamptz not null,
  due_at timestamptz not null,
  claimed_until timestamptz,
  silent_polls integer not null default 0 check (silent_polls >= 0),
  silent_since timestamptz,
  reapplied boolean not null default false,
  -- What the Hub last said of its partners, by analysis node.
  partners jsonb not null default '{}',
  created_at timestamptz not null,
  check ((silent_polls = 0) = (silent_since is null))
)
-- Progress and claims change often: room on the page keeps these updates out of the indexes.
with (fillfactor = 70);

-- What a sweep claims from.
create index analysis_due on po.analysis (due_at, key) where state in ('starting', 'started', 'executing', 'restarting');

create table po.run (
  key bigint not null references po.analysis on delete cascade,
  run integer not null check (run >= 1),
  started_at timestamptz not null,
  ended_at timestamptz,
  cause text,
  primary key (key, run)
);

-- Log lines are only ever appended; `seq` is their order within an analysis.
create table po.line (
  key bigint not null references po.analysis on delete cascade,
  seq bigint generated always as identity,
  run integer not null,
  at timestamptz not null,
  level text not null check (level in ('emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug')),
  status text not null,
  progress integer not null,
  message text not null,
  primary key (key, seq)
);

-- Logs of containers, read before their pods were removed.
create table po.snapshot (
  key bigint not null references po.analysis on delete cascade,
  run integer not null,
  kind text not null check (kind in ('analysis', 'nginx')),
  container text not null,
  truncated boolean not null,
  text text not null,
  primary key (key, run, kind, container)
);

-- The outbox to the Hub, in order per analysis id. A report that was delivered, or refused for good, is deleted.
create table po.report (
  id uuid not null,
  seq bigint generated always as identity unique,
  kind text not null check (kind in ('status', 'log')),
  status text check (
    status in ('starting', 'started', 'stopping', 'stopped', 'executing', 'executed', 'failed')
  ),
  progress smallint check (progress between 0 and 100),
  level text check (level in ('emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug')),
  message text,
  -- Above 0: the row stands for so many log lines that were left out.
  left_out integer not null default 0 check (left_out >= 0),
  attempts integer not null default 0 check (attempts >= 0),
  due_at timestamptz not null,
  claimed_until timestamptz,
  primary key (id, seq),
  check (case kind when 'status' then status is not null else level is not null and message is not null end),
  check (left_out = 0 or kind = 'log')
);
-- Few rows have it: the oldest of those analyses whose delivery failed.
create index report_postponed on po.report (due_at) where attempts > 0;

-- Moves of incarnations that nobody was told of yet, in order per analysis id. One that was told is deleted.
create table po.change (
  id uuid not null,
  seq bigint generated always as identity unique,
  run integer not null check (run >= 1),
  state text not null check (
    state in (
      'starting', 'started', 'executing', 'restarting', 'stopping', 'executed', 'stopped', 'failed', 'withdrawn'
    )
  ),
  progress smallint not null check (progress between 0 and 100),
  cause text,
  at timestamptz not null,
  attempts integer not null default 0 check (attempts >= 0),
  due_at timestamptz not null,
  claimed_until timestamptz,
  primary key (id, seq)
);

-- What is kept of a finished incarnation: the bytes that were signed, and the signature.
create table po.archive (
  key bigint primary key,
  id uuid not null,
  spelling text not null,
  outcome text not null check (outcome in ('executed', 'stopped', 'failed')),
  ended_at timestamptz not null,
  archived_at timestamptz not null,
  document text not null,
  signature text,
  bytes bigint not null check (bytes >= 0)
);
create index archive_id on po.archive (id, key);
create index archive_age on po.archive (archived_at, key);

-- Incarnations whose Kubernetes objects and Keycloak client are still to be removed. Outlives the incarnation's row.
create table po.removal (
  key bigint primary key,
  id uuid not null references po.identity,
  first_run integer not null,
  last_run integer not null check (last_run >= first_run),
  archive boolean not null,
  making_until timestamptz not null,
  hold_until timestamptz not null,
  due_at timestamptz not null,
  claimed_until timestamptz,
  attempts integer not null default 0 check (attempts >= 0),
  logs_taken boolean not null default false,
  root_removed boolean not null default false,
  client_removed boolean not null default false,
  client_held_until timestamptz
);
create index removal_id on po.removal (id);
create index removal_due on po.removal (due_at);

-- One row: which interval of the status loop was taken last, which one was completed, and when a fault was ours.
create table po.loop (
  singleton boolean primary key default true check (singleton),
  installed_at timestamptz not null,
  taken_slot bigint,
  completed_slot bigint,
  completed_at timestamptz,
  fault_at timestamptz
);
