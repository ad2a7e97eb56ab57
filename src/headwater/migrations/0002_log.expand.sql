-- The log: what was committed, in order, as batches per partition.

-- Ours alone and never altered: the length is the type.
-- squawk-ignore ban-create-domain-with-constraint
create domain headwater.position as bytea check (octet_length(value) = 16);

-- One row per relay: the head of its log. Readers read up to `position` and no further.
create table headwater.log (
    slot text primary key,
    position headwater.position not null,
    scanned pg_lsn not null,            -- every commit before it is in the log
    horizon xid8 not null,              -- every transaction below it is in the log
    term bigint not null default 0,     -- raised by each relay that takes over; fences the one before
    generation integer not null default 1,
    system_identifier text not null,
    timeline integer not null
) with (fillfactor = 50);

-- How keys map to partitions, and from which position on.
create table headwater.layout (
    generation integer primary key,
    partitions smallint not null check (partitions between 1 and 1024),
    after headwater.position not null,
    created_at timestamptz not null default now()
);

-- A batch is what the relay appended to one partition at once. Segments are its native partitions, each a span of
-- positions, attached as the log grows into them and dropped whole when past retention.
create table headwater.batch (
    partition smallint not null,
    last headwater.position not null,
    first headwater.position not null,
    count integer not null,
    payload bytea not null,
    appended_at timestamptz not null default clock_timestamp(),
    primary key (partition, last)
) partition by range (last);

-- Append batches and move the head, once: the row of headwater.log is the fence. Says 'appended'; or, with nothing
-- done, 'invisible' (a transaction among `xids` is not yet visible to others), 'relaid' (the layout changed) or
-- 'fenced' (another relay took over). The snapshot and the LSN are those of this call, for the next one's use.
create function headwater.append(
    relay text, fence bigint, layout integer,
    expected headwater.position, next headwater.position, scanned_to pg_lsn, horizon_to xid8, xids xid8[],
    partitions smallint[], lasts bytea[], firsts bytea[], counts integer[], payloads bytea[],
    out outcome text, out snapshot pg_snapshot, out lsn pg_lsn
) language plpgsql as $$
declare
    head headwater.log;
begin
    snapshot := pg_current_snapshot();
    lsn := pg_current_wal_insert_lsn();  -- after it: whatever is below the snapshot's xmin committed before this LSN
    if exists (select from unnest(xids) xid where not pg_visible_in_snapshot(xid, snapshot)) then
        outcome := 'invisible';
        return;
    end if;
    update headwater.log
       set position = next, scanned = greatest(scanned, scanned_to), horizon = greatest(horizon, horizon_to)
     where slot = relay and term = fence and generation = layout and position = expected
    returning * into head;
    if not found then
        select * into head from headwater.log where slot = relay;
        outcome := case when head.term = fence and head.generation <> layout then 'relaid' else 'fenced' end;
        return;
    end if;
    insert into headwater.batch (partition, last, first, count, payload)
    select * from unnest(partitions, lasts, firsts, counts, payloads);
    if next > expected then
        perform pg_notify('headwater', encode(next, 'hex') || ' ' || array_to_string(partitions, ' '));
    end if;
    outcome := 'appended';
end $$;
