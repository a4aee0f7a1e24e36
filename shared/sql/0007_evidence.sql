-- What was known of a run when a fault of it was acted on: fault, cause, exit code, last lines of its output, memory limit.
alter table po.run add column evidence jsonb;
-- That of the last run with a fault: a fault that repeats itself is not answered by another restart.
alter table po.analysis add column last_fault jsonb;
-- The report of the container that examined the pod of a run before its image started.
alter table po.run add column isolation jsonb;
-- What a run or a probe could reach and must not, until a probe proves the contrary; and the time of the last proof.
alter table po.loop
  add column breach text,
  add column proven_at timestamptz;
-- The last entry of the archive: each one has the digest of the one before, so that one that is taken away is missed.
create table po.archive_head (
  singleton boolean primary key default true check (singleton),
  sequence bigint not null default 0,
  sha256 text
);
