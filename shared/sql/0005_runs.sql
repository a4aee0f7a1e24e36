-- What runs leave is counted, and their tokens are for one run each.

-- Of a set that is open or complete: what its files are together. A content that several files have counts for each.
alter table dt.output_set add column files integer not null default 0;
alter table dt.output_set add column bytes bigint not null default 0;

-- Of all sets of a service that are kept. `next_output` is the `seq` of the next output: never one that an output had before.
alter table dt.service add column output_files bigint not null default 0;
alter table dt.service add column output_bytes bigint not null default 0;
alter table dt.service add column next_output integer not null default 0;

update dt.output_set row set files = found.files, bytes = found.bytes
from (
  select service_id, firing, run_index, attempt, count(*) as files, sum(content.length) as bytes
  from (
    select service_id, firing, run_index, attempt, body from dt.part
    union all
    select output.service_id, output.firing, output.run_index, output.attempt, file.body
    from dt.output output join dt.file file on file.id = output.file_id
  ) each
  join dt.content content using (body)
  group by service_id, firing, run_index, attempt
) found
where row.service_id = found.service_id and row.firing = found.firing and row.run_index = found.run_index
  and row.attempt = found.attempt;

update dt.service row set output_files = found.files, output_bytes = found.bytes
from (select service_id, sum(files) as files, sum(bytes) as bytes from dt.output_set group by service_id) found
where row.id = found.service_id;

update dt.service row set next_output = found.next
from (select service_id, max(seq) + 1 as next from dt.output group by service_id) found
where row.id = found.service_id;

-- The counts of a service follow those of its sets, whatever changes or deletes these. The service is locked before its sets
-- are changed, as the order of locks in 0002 demands.
create function dt.follow_output_sets() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    update dt.service row
    set output_files = greatest(0, row.output_files - gone.files), output_bytes = greatest(0, row.output_bytes - gone.bytes)
    from (select service_id, sum(files) as files, sum(bytes) as bytes from before group by service_id) gone
    where row.id = gone.service_id and (gone.files <> 0 or gone.bytes <> 0);
  else
    update dt.service row
    set output_files = greatest(0, row.output_files + more.files), output_bytes = greatest(0, row.output_bytes + more.bytes)
    from (
      select service_id, sum(files) as files, sum(bytes) as bytes
      from (
        select service_id, files, bytes from after union all select service_id, -files, -bytes from before
      ) each
      group by service_id
    ) more
    where row.id = more.service_id and (more.files <> 0 or more.bytes <> 0);
  end if;
  return null;
end
$$;
create trigger output_set_deleted after delete on dt.output_set
  referencing old table as before for each statement execute function dt.follow_output_sets();
create trigger output_set_updated after update on dt.output_set
  referencing old table as before new table as after for each statement execute function dt.follow_output_sets();

-- Sets whose runs may have ended without saying so.
create index output_set_open on dt.output_set (begun_at) where state = 'open';

-- One row where services were there before tokens were for one run: those created before `until` may use a token of the
-- service, as long as they are live. A day, since the version before may run on after the migration.
create table dt.former_token (
  singleton boolean primary key default true check (singleton),
  until timestamptz not null
);
insert into dt.former_token (until) select now() + interval '1 day' where exists (select from dt.service);
