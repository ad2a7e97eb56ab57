-- A person's wish: try a key again now, with its retries counted anew. False if the key is not set aside.
create or replace function headwater.retry_now(who text, wanted text, moment timestamptz) returns boolean
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
create or replace function headwater.drop_queued(who text, wanted text, place bytea, moment timestamptz) returns bigint
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
