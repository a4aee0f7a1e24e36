-- What analyses say is bounded, logs are kept in pieces, and an attempt is counted before it is made.

-- Lines of each run that are kept, and that were left out because a limit was reached.
alter table po.run
  add column lines bigint not null default 0 check (lines >= 0),
  add column line_bytes bigint not null default 0 check (line_bytes >= 0),
  add column left_out_lines bigint not null default 0 check (left_out_lines >= 0),
  add column left_out_bytes bigint not null default 0 check (left_out_bytes >= 0),
  -- Every line of the run up to this `seq` was deleted: the search for its oldest begins behind it.
  add column trimmed_to bigint not null default 0;

update po.run set lines = kept.lines, line_bytes = kept.bytes
from (
  select key, run, count(*) as lines, sum(octet_length(message) + octet_length(status)) as bytes
  from po.line group by key, run
) kept
where po.run.key = kept.key and po.run.run = kept.run;

-- The text of a container's log, in pieces. The column `text` of `po.snapshot` is written by the version before only.
create table po.snapshot_piece (
  key bigint not null,
  run integer not null,
  kind text not null,
  container text not null,
  n integer not null check (n >= 0),
  text text not null,
  primary key (key, run, kind, container, n)
);
alter table po.snapshot
  alter column text set default '',
  add column bytes bigint not null default 0 check (bytes >= 0),
  add column left_out_bytes bigint not null default 0 check (left_out_bytes >= 0);

-- Moves the text of logs that the version before wrote. It is cut by bytes, before the first one of a character: a cut by
-- characters would read a text from its start for each piece.
create function po.cut_snapshots(of_key bigint) returns void language plpgsql as $$
declare
  log record;
  content bytea;
  place integer;
  upto integer;
  piece integer;
begin
  for log in select run, kind, container from po.snapshot where key = of_key and text <> '' for update loop
    delete from po.snapshot_piece
      where key = of_key and run = log.run and kind = log.kind and container = log.container;
    content := (select convert_to(text, 'UTF8') from po.snapshot
      where key = of_key and run = log.run and kind = log.kind and container = log.container);
    place := 0;
    piece := 0;
    while place < length(content) loop
      upto := least(place + 131072, length(content));
      while upto < length(content) and get_byte(content, upto) & 192 = 128 loop
        upto := upto - 1;
      end loop;
      insert into po.snapshot_piece (key, run, kind, container, n, text)
      values (of_key, log.run, log.kind, log.container, piece, convert_from(substr(content, place + 1, upto - place), 'UTF8'));
      place := upto;
      piece := piece + 1;
    end loop;
    update po.snapshot set bytes = place, text = ''
      where key = of_key and run = log.run and kind = log.kind and container = log.container;
  end loop;
end $$;
select po.cut_snapshots(key) from (select distinct key from po.snapshot where text <> '') uncut;

-- Runs, lines and logs outlive the row of an incarnation: they belong to its archive entry afterwards. Layout 1: the whole
-- text is in `document`, as the version before writes it. Layout 2: `document` has the digests of lines and logs, which stay
-- where they are. Layout 3: an entry of layout 1, whose signed document stays, with its lines and logs taken out to be read.
alter table po.archive add column layout smallint not null default 1 check (layout between 1 and 3);

alter table po.run drop constraint run_key_fkey;
alter table po.line drop constraint line_key_fkey;
alter table po.snapshot drop constraint snapshot_key_fkey;

create function po.delete_content() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'analysis' and exists (select from po.archive where key = old.key and layout = 2) then
    return null;
  end if;
  delete from po.run where key = old.key;
  delete from po.line where key = old.key;
  delete from po.snapshot where key = old.key;
  delete from po.snapshot_piece where key = old.key;
  return null;
end $$;
create trigger analysis_content after delete on po.analysis for each row execute function po.delete_content();
create trigger archive_content after delete on po.archive for each row execute function po.delete_content();

-- Takes runs, lines and logs out of an entry of layout 1.
create function po.unpack_archive(of_key bigint) returns void language plpgsql as $$
declare
  entry json := (select document::json from po.archive where key = of_key and layout = 1 for update);
begin
  if entry is null then return; end if;
  insert into po.run (key, run, started_at, ended_at, cause)
  select of_key, run, "startedAt", "endedAt", cause
  from json_to_recordset(entry -> 'runs') as (run integer, "startedAt" timestamptz, "endedAt" timestamptz, cause text)
  on conflict do nothing;
  insert into po.line (key, run, at, level, status, progress, message)
  select of_key, run, at, level, status, progress, message
  from rows from (
    json_to_recordset(entry -> 'lines')
    as (run integer, at timestamptz, level text, status text, progress integer, message text)
  ) with ordinality as l (run, at, level, status, progress, message, nth)
  order by nth;
  insert into po.snapshot (key, run, kind, container, truncated, text)
  select of_key, run, kind, container, truncated, text
  from json_to_recordset(entry -> 'logs') as (run integer, kind text, container text, truncated boolean, text text)
  on conflict do nothing;
  perform po.cut_snapshots(of_key);
  update po.run set lines = kept.lines, line_bytes = kept.bytes
  from (
    select run, count(*) as lines, sum(octet_length(message) + octet_length(status)) as bytes
    from po.line where key = of_key group by run
  ) kept
  where po.run.key = of_key and po.run.run = kept.run;
  update po.archive set layout = 3 where key = of_key;
end $$;
select po.unpack_archive(key) from po.archive where layout = 1 order by key;

-- Attempts that began since the last one that ended: more than one means that a process died in the midst of it.
alter table po.analysis add column unfinished integer not null default 0 check (unfinished >= 0);
alter table po.removal add column unfinished integer not null default 0 check (unfinished >= 0);
alter table po.report add column unfinished integer not null default 0 check (unfinished >= 0);
alter table po.change add column unfinished integer not null default 0 check (unfinished >= 0);
alter table dt.change add column unfinished integer not null default 0 check (unfinished >= 0);
