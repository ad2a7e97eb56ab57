-- How far a consumer may read: the head of the log, or the end of its own layout.
create or replace function headwater.readable(layout integer) returns bytea
language sql stable as $$
    select least(
        (select position from headwater.log order by position desc limit 1),
        (select after from headwater.layout l where l.generation = layout + 1))
$$;

-- Whether the caller may go on: always, unless it is to be the only one at work for its consumer and is not.
create or replace function headwater.enter(who text, alone boolean) returns boolean
language sql as $$
    select not alone or pg_try_advisory_xact_lock(hashtextextended('headwater.consumer ' || who, 0))
$$;

-- A worker that hangs inside its transaction, or in a statement of it, loses it, and with it the lock.
create or replace function headwater.limit_transaction(server_limit text) returns void
language sql as $$
    select set_config('idle_in_transaction_session_timeout', server_limit, true),
           set_config('statement_timeout', server_limit, true)
$$;

-- Lock one watermark and read what follows it. Says 'claimed', 'locked' (somebody else works there) or 'moved' (no
-- such watermark in this layout). `alone` gives way to another partition of the same consumer that is claimed so. What is between `known` and `seen` the caller has looked through already: it is
-- not read again if the watermark still is `known`. `ended` says that nothing is left up to `readable`.
-- Every statement in here takes a snapshot of its own, and those after the first take it under the lock.
create or replace function headwater.claim(
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
create or replace function headwater.claim_retry(
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
