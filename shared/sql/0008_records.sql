-- Records of runs: what a run was is written down when it happens, each row with the digest of the one before, so that a row
-- that was changed afterwards is found.

-- Subject of the token that asked for it.
alter table po.analysis add column requested_by text;
-- Digest of the image as the kubelet reported it, and of the policies that were applied, by name.
alter table po.run
  add column image_digest text,
  add column policies jsonb;

-- What happened to an incarnation: its request, its statuses, and what was applied and observed of its runs. Only ever appended.
create table po.journal (
  key bigint not null,
  n integer not null check (n >= 1),
  at timestamptz not null,
  kind text not null check (kind in ('request', 'status', 'policies', 'isolation', 'image', 'fault')),
  run integer not null,
  -- JSON.
  body text not null,
  -- Of the item of the first row; then of the digest before and the digest of the item.
  sha256 bytea not null,
  primary key (key, n)
);

-- Number and digest of the last entry, so that one that was deleted at the end is missed.
create table po.journal_head (
  key bigint primary key,
  n integer not null,
  sha256 bytea not null
)
with (fillfactor = 70);

-- The text whose digest is chained; `journalItem` in `statement.ts` makes the same.
create function po.journal_item(at timestamptz, kind text, run integer, body text) returns text
language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || E'\n' || kind || E'\n' || run || E'\n' || body
$$;

-- Callers hold the lock of the analysis, so entries follow each other.
create function po.write_journal(of_key bigint, at timestamptz, kind text, run integer, body jsonb) returns void
language plpgsql as $$
declare
  head record;
  written_at timestamptz := date_trunc('milliseconds', at);
begin
  insert into po.journal_head as former (key, n, sha256)
  values (of_key, 1, sha256(convert_to(po.journal_item(written_at, kind, run, body::text), 'UTF8')))
  on conflict (key) do update set n = former.n + 1, sha256 = sha256(former.sha256 || excluded.sha256)
  returning n, sha256 into head;
  insert into po.journal (key, n, at, kind, run, body, sha256)
  values (of_key, head.n, written_at, kind, run, body::text, head.sha256);
end $$;

create function po.request_of(asked po.analysis) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'analysisId', asked.id, 'projectId', asked.project_id, 'image', asked.image, 'registryHost', asked.registry_host,
    'readsData', asked.needs_kong, 'requestedBy', asked.requested_by
  )
$$;

create function po.journal_analysis() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform po.write_journal(new.key, new.created_at, 'request', new.first_run, po.request_of(new));
  end if;
  perform po.write_journal(new.key, greatest(new.since, new.run_since), 'status', new.run,
    jsonb_build_object('state', new.state, 'cause', new.cause));
  return null;
end $$;
create trigger analysis_begun after insert on po.analysis for each row execute function po.journal_analysis();
create trigger analysis_moved after update of state, run on po.analysis for each row
  when (old.state <> new.state or old.run <> new.run) execute function po.journal_analysis();

create function po.journal_run() returns trigger language plpgsql as $$
declare
  entry record;
begin
  for entry in
    select kind, body from (values
      ('policies', old.policies, new.policies),
      ('isolation', old.isolation, new.isolation),
      ('image', to_jsonb(old.image_digest), to_jsonb(new.image_digest)),
      ('fault', old.evidence - 'lastLines', new.evidence - 'lastLines')
    ) as changes (kind, before, body)
    where body is not null and body is distinct from before
  loop
    perform po.write_journal(new.key, clock_timestamp(), entry.kind, new.run, entry.body);
  end loop;
  return null;
end $$;
create trigger run_observed after update of policies, isolation, image_digest, evidence on po.run
  for each row execute function po.journal_run();

-- The chain of the lines of a run: its head, and where it begins since the oldest lines were left out.
create table po.line_chain (
  key bigint not null,
  run integer not null,
  n bigint not null,
  sha256 bytea not null,
  trimmed_n bigint not null default 0,
  trimmed bytea,
  primary key (key, run)
)
with (fillfactor = 70);
-- The digest of the chain up to a line.
alter table po.line add column chain bytea;

-- The text whose digest is chained; `lineItem` in `content-digest.ts` makes the same.
create function po.line_item(at timestamptz, level text, progress integer, status text, message text) returns text
language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || E'\n' || level || E'\n' || progress || E'\n'
    || octet_length(status) || E'\n' || status || message
$$;

create function po.chain_line() returns trigger language plpgsql as $$
begin
  insert into po.line_chain as row (key, run, n, sha256)
  values (new.key, new.run, 1,
    sha256(convert_to(po.line_item(new.at, new.level, new.progress, new.status, new.message), 'UTF8')))
  on conflict (key, run) do update set n = row.n + 1, sha256 = sha256(row.sha256 || excluded.sha256)
  returning sha256 into new.chain;
  return new;
end $$;
create trigger line_chained before insert on po.line for each row execute function po.chain_line();

-- Incarnations that are there already: their chains begin with what is there.
select po.write_journal(key, created_at, 'request', first_run, po.request_of(analysis)),
  po.write_journal(key, greatest(since, run_since), 'status', run, jsonb_build_object('state', state, 'cause', cause))
from po.analysis;
do $$
declare
  former record;
  head bytea;
begin
  for former in
    select key, seq, run, sha256(convert_to(po.line_item(at, level, progress, status, message), 'UTF8')) as digest
    from po.line where key in (select key from po.analysis) order by key, run, seq
  loop
    insert into po.line_chain as row (key, run, n, sha256) values (former.key, former.run, 1, former.digest)
    on conflict (key, run) do update set n = row.n + 1, sha256 = sha256(row.sha256 || excluded.sha256)
    returning sha256 into head;
    update po.line set chain = head where key = former.key and seq = former.seq;
  end loop;
end $$;

-- The record of an ended incarnation: a statement in a signed envelope.
create table po.record (
  key bigint primary key,
  id uuid not null,
  made_at timestamptz not null,
  envelope text not null
);
create index record_id on po.record (id, key);

create or replace function po.delete_content() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'analysis' and exists (select from po.archive where key = old.key and layout = 2) then
    return null;
  end if;
  delete from po.run where key = old.key;
  delete from po.line where key = old.key;
  delete from po.line_chain where key = old.key;
  delete from po.journal where key = old.key;
  delete from po.journal_head where key = old.key;
  delete from po.record where key = old.key;
  delete from po.snapshot where key = old.key;
  delete from po.snapshot_piece where key = old.key;
  return null;
end $$;
