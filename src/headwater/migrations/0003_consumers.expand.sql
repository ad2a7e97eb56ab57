-- Who follows the log, how far each has come, and what each has set aside.

create table headwater.consumer (
    name text primary key,
    handler text not null,              -- the handler it runs; a replay runs one under another consumer's name
    generation integer not null,        -- the layout that its watermarks stand in
    created_at timestamptz not null default now()
);

-- The row is the lock (claimed with for update skip locked), the fence (moved conditionally) and the offset. It names
-- its layout, so that whoever waited for the lock while the layout changed does not take one for the other.
create table headwater.watermark (
    consumer text not null references headwater.consumer on delete cascade,
    partition smallint not null,
    generation integer not null,
    position headwater.position not null,
    primary key (consumer, partition)
) with (fillfactor = 50);

-- A key whose oldest entry failed and will be tried again. Changed only under the lock of its partition's watermark,
-- as are parked and queued; except that a person's retry may touch the time or bring a key back from parked.
create table headwater.retry (
    consumer text not null references headwater.consumer on delete cascade,
    key text not null,
    partition smallint not null,
    attempts integer not null,          -- of the oldest entry, all failed; 0 once that one has been applied
    next_attempt_at timestamptz not null,
    cause text not null,
    failed_at timestamptz not null default clock_timestamp(),
    primary key (consumer, key)
);
create index retry_due on headwater.retry (consumer, partition, next_attempt_at);

-- A key set aside for a person, its retries used up.
create table headwater.parked (
    consumer text not null references headwater.consumer on delete cascade,
    key text not null,
    partition smallint not null,
    attempts integer not null,
    cause text not null,
    parked_at timestamptz not null default clock_timestamp(),
    primary key (consumer, key)
);
create index parked_in on headwater.parked (consumer, partition);

-- The entries of a key in retry or parked, oldest first: the failed one and whatever came behind it. Each as it
-- stands in a batch.
create table headwater.queued (
    consumer text not null references headwater.consumer on delete cascade,
    key text not null,
    position headwater.position not null,
    entry bytea not null,
    primary key (consumer, key, position)
);

-- How far a consumer may read: the head of the log, or the end of its own layout.
create function headwater.readable(layout integer) returns bytea
language sql stable as $$
    select least(
        (select position from headwater.log order by position desc limit 1),
        (select after from headwater.layout l where l.generation = layout + 1))
$$;

-- Add a consumer with watermarks at `start` (null: the head), in the layout that holds there. False if it exists.
create function headwater.register(who text, runs text, start bytea) returns boolean
language plpgsql as $$
declare
    origin headwater.position := start;
    chosen headwater.layout;
begin
    if origin is null then
        select position into strict origin from headwater.log order by position desc limit 1;
    end if;
    select * into chosen from headwater.layout where after <= origin order by generation desc limit 1;
    if not found then
        select * into strict chosen from headwater.layout order by generation limit 1;
    end if;
    insert into headwater.consumer (name, handler, generation) values (who, runs, chosen.generation)
    on conflict do nothing;
    if not found then
        return false;
    end if;
    insert into headwater.watermark (consumer, partition, generation, position)
    select who, p, chosen.generation, origin from generate_series(0, chosen.partitions - 1) p;
    return true;
end $$;

-- Whether the caller may go on: always, unless it is to be the only one at work for its consumer and is not.
create function headwater.enter(who text, alone boolean) returns boolean
language sql as $$
    select not alone or pg_try_advisory_xact_lock(hashtextextended('headwater.consumer ' || who, 0))
$$;

-- A worker that hangs inside its transaction, or in a statement of it, loses it, and with it the lock.
create function headwater.limit_transaction(server_limit text) returns void
language sql as $$
    select set_config('idle_in_transaction_session_timeout', server_limit, true),
           set_config('statement_timeout', server_limit, true)
$$;

-- Lock one watermark and read what follows it. Says 'claimed', 'locked' (somebody else works there) or 'moved' (no
-- such watermark in this layout). `alone` gives way to another partition of the same consumer that is claimed so. What is between `known` and `seen` the caller has looked through already: it is
-- not read again if the watermark still is `known`. `ended` says that nothing is left up to `readable`.
-- Every statement in here takes a snapshot of its own, and those after the first take it under the lock.
create function headwater.claim(
    who text, part smallint, layout integer, known bytea, seen bytea, entry_limit integer, byte_limit integer,
    alone boolean, server_limit text,
    out outcome text, out watermark bytea, out readable bytea, out ended boolean, out sets_aside boolean,
    out due_at timestamptz, out lasts bytea[], out payloads bytea[]
) language plpgsql as $$
declare
    batch record;
    entries bigint := 0;
    bytes bigint := 0;
    start bytea;
begin
    if not headwater.enter(who, alone) then
        outcome := 'locked';
        return;
    end if;
    select w.position into watermark from headwater.watermark w
     where w.consumer = who and w.partition = part and w.generation = layout
       for update skip locked;
    if not found then
        perform from headwater.watermark w where w.consumer = who and w.partition = part and w.generation = layout;
        outcome := case when found then 'locked' else 'moved' end;
        return;
    end if;
    perform headwater.limit_transaction(server_limit);
    select r.due_at, r.due_at is not null
                     or exists (select from headwater.parked p where p.consumer = who and p.partition = part)
      into due_at, sets_aside
      from (select (select next_attempt_at from headwater.retry
                     where consumer = who and partition = part order by next_attempt_at limit 1) as due_at) r;
    readable := coalesce(headwater.readable(layout), watermark);
    start := case when watermark = known then greatest(watermark, seen) else watermark end;
    ended := true;
    for batch in
        select b.last, b.count, b.payload from headwater.batch b
         where b.partition = part and b.last > start and b.last <= readable
         order by b.last
    loop
        if entries >= entry_limit or bytes >= byte_limit then
            ended := false;
            exit;
        end if;
        entries := entries + batch.count;
        bytes := bytes + octet_length(batch.payload);
        lasts := array_append(lasts, batch.last);
        payloads := array_append(payloads, batch.payload);
    end loop;
    outcome := 'claimed';
end $$;

-- Lock one watermark and read the oldest entry of a key whose time has come. Says 'claimed', 'locked', 'moved' as
-- above, or 'none'.
create function headwater.claim_retry(
    who text, part smallint, layout integer, moment timestamptz, alone boolean, server_limit text,
    out outcome text, out failed_key text, out failures integer, out place bytea, out body bytea
) language plpgsql as $$
begin
    if not headwater.enter(who, alone) then
        outcome := 'locked';
        return;
    end if;
    perform from headwater.watermark w
      where w.consumer = who and w.partition = part and w.generation = layout
        for update skip locked;
    if not found then
        perform from headwater.watermark w where w.consumer = who and w.partition = part and w.generation = layout;
        outcome := case when found then 'locked' else 'moved' end;
        return;
    end if;
    perform headwater.limit_transaction(server_limit);
    select r.key, r.attempts into failed_key, failures from headwater.retry r
     where r.consumer = who and r.partition = part and r.next_attempt_at <= moment
     order by r.next_attempt_at, r.key limit 1;
    if not found then
        outcome := 'none';
        return;
    end if;
    select q.position, q.entry into strict place, body from headwater.queued q
     where q.consumer = who and q.key = failed_key order by q.position limit 1;
    outcome := 'claimed';
end $$;

-- Move the watermark over an entry that failed alone, and set its key aside: until `retry_at`, or, when that is
-- null, for a person. False if the watermark was no longer where it was expected.
create function headwater.set_aside(
    who text, part smallint, layout integer, expected bytea, failed bytea,
    failed_key text, failed_entry bytea, retry_at timestamptz, why text
) returns boolean language plpgsql as $$
begin
    update headwater.watermark set position = failed
     where consumer = who and partition = part and generation = layout and position = expected;
    if not found then
        return false;
    end if;
    insert into headwater.queued (consumer, key, position, entry) values (who, failed_key, failed, failed_entry);
    if exists (
        select from headwater.retry where consumer = who and key = failed_key
        union all
        select from headwater.parked where consumer = who and key = failed_key) then
        return true;
    end if;
    if retry_at is null then
        insert into headwater.parked (consumer, key, partition, attempts, cause) values (who, failed_key, part, 1, why);
    else
        insert into headwater.retry (consumer, key, partition, attempts, next_attempt_at, cause)
        values (who, failed_key, part, 1, retry_at, why);
    end if;
    return true;
end $$;

-- The oldest entry of a key in retry was applied, in this transaction. Says whether more entries
-- stand behind it; after the last one the key is as if it had never failed. Null if the entry was not there.
create function headwater.applied(who text, retried_key text, done bytea, moment timestamptz) returns boolean
language plpgsql as $$
begin
    delete from headwater.queued where consumer = who and key = retried_key and position = done;
    if not found then
        return null;
    end if;
    if exists (select from headwater.queued where consumer = who and key = retried_key) then
        update headwater.retry set attempts = 0, next_attempt_at = moment where consumer = who and key = retried_key;
        return true;
    end if;
    delete from headwater.retry where consumer = who and key = retried_key;
    return false;
end $$;

-- A key in retry failed again: try it at `retry_at`, or, when that is null, park it. False if its watermark is locked
-- or somebody else has dealt with it.
create function headwater.postpone(
    who text, part smallint, layout integer, failed_key text, failures integer, retry_at timestamptz, why text
) returns boolean language plpgsql as $$
begin
    perform from headwater.watermark w
      where w.consumer = who and w.partition = part and w.generation = layout
        for update skip locked;
    if not found then
        return false;
    end if;
    if retry_at is not null then
        update headwater.retry
           set attempts = failures + 1, next_attempt_at = retry_at, cause = why, failed_at = clock_timestamp()
         where consumer = who and key = failed_key and attempts = failures;
        return found;
    end if;
    delete from headwater.retry where consumer = who and key = failed_key and attempts = failures;
    if not found then
        return false;
    end if;
    insert into headwater.parked (consumer, key, partition, attempts, cause)
    values (who, failed_key, part, failures + 1, why);
    return true;
end $$;

-- A person's wish: try a key again now, with its retries counted anew. False if the key is not set aside.
create function headwater.retry_now(who text, wanted text, moment timestamptz) returns boolean
language plpgsql as $$
begin
    update headwater.retry set attempts = 0, next_attempt_at = moment where consumer = who and key = wanted;
    if found then
        return true;
    end if;
    with freed as (
        delete from headwater.parked where consumer = who and key = wanted returning *
    )
    insert into headwater.retry (consumer, key, partition, attempts, next_attempt_at, cause)
    select consumer, key, partition, 0, moment, cause from freed;
    return found;
end $$;

-- A person's wish: forget one entry of a key that is set aside, or (`place` null) all of them. A key with nothing
-- left goes on with the log; one that was held up by the forgotten entry is tried again. Waits for the watermark.
-- Says how many entries were forgotten.
create function headwater.drop_queued(who text, wanted text, place bytea, moment timestamptz) returns bigint
language plpgsql as $$
declare
    part smallint;
    blocking bytea;
    dropped bigint;
begin
    loop
        select a.partition into part from (
            select partition from headwater.retry where consumer = who and key = wanted
            union all
            select partition from headwater.parked where consumer = who and key = wanted) a;
        if not found then
            return 0;
        end if;
        perform from headwater.watermark w where w.consumer = who and w.partition = part for update;
        -- A change of layout may have moved the key while we waited.
        exit when found and exists (
            select from headwater.retry where consumer = who and key = wanted and partition = part
            union all
            select from headwater.parked where consumer = who and key = wanted and partition = part);
    end loop;
    select position into blocking from headwater.queued
     where consumer = who and key = wanted order by position limit 1;
    delete from headwater.queued where consumer = who and key = wanted and (place is null or position = place);
    get diagnostics dropped = row_count;
    if not exists (select from headwater.queued where consumer = who and key = wanted) then
        delete from headwater.retry where consumer = who and key = wanted;
        delete from headwater.parked where consumer = who and key = wanted;
    elsif place = blocking then
        perform headwater.retry_now(who, wanted, moment);
    end if;
    return dropped;
end $$;

-- Give the log another number of partitions from its head on. The relay notices at its next append and begins again
-- from its slot, so what it has appended beyond the head of a transaction still under way goes. Says the generation.
create function headwater.repartition(wanted smallint) returns integer
language plpgsql as $$
declare
    head headwater.log;
    current headwater.layout;
begin
    select * into strict head from headwater.log order by position desc limit 1 for update;
    select * into strict current from headwater.layout where generation = head.generation;
    if current.partitions = wanted then
        return current.generation;
    end if;
    insert into headwater.layout (generation, partitions, after)
    values (current.generation + 1, wanted, head.position);
    delete from headwater.batch
     where partition = any (select generate_series(0, (select max(partitions) from headwater.layout) - 1)::smallint)
       and last > head.position;
    update headwater.log set generation = current.generation + 1 where slot = head.slot;
    return current.generation + 1;
end $$;

-- Take one consumer over the barrier between its layout and the next, once it has applied everything before it.
-- Says 'switched', 'current' (there is no next), 'behind', or 'busy' (somebody holds one of its watermarks).
create function headwater.switch_layout(who text) returns text
language plpgsql as $$
declare
    old integer;
    old_partitions integer;
    next headwater.layout;
    held integer;
begin
    select generation into old from headwater.consumer where name = who for no key update skip locked;
    if not found then
        return 'busy';
    end if;
    select partitions into strict old_partitions from headwater.layout where generation = old;
    select * into next from headwater.layout where generation = old + 1;
    if not found then
        return 'current';
    end if;
    select count(*) into held from (
        select from headwater.watermark where consumer = who and generation = old for update skip locked) w;
    if held < old_partitions then
        return 'busy';
    end if;
    if exists (
        select from headwater.watermark w
         where w.consumer = who
           and exists (select from headwater.batch b
                        where b.partition = w.partition and b.last > w.position and b.last <= next.after)) then
        return 'behind';
    end if;
    delete from headwater.watermark where consumer = who;
    insert into headwater.watermark (consumer, partition, generation, position)
    select who, p, next.generation, next.after from generate_series(0, next.partitions - 1) p;
    update headwater.consumer set generation = next.generation where name = who;
    update headwater.retry set partition = headwater.partition_of(key, next.partitions) where consumer = who;
    update headwater.parked set partition = headwater.partition_of(key, next.partitions) where consumer = who;
    return 'switched';
end $$;

-- The partition of a key, as the relay computes it: CRC-32 of its UTF-8 bytes, modulo.
create function headwater.partition_of(key text, partitions integer) returns smallint
language sql immutable as $$
    select (crc32(convert_to(key, 'UTF8')) % partitions)::smallint
$$;
