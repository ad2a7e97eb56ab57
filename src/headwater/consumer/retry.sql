-- The oldest entry of a key in retry was applied, in this transaction. Says whether more entries
-- stand behind it; after the last one the key is as if it had never failed. Null if the entry was not there.
create or replace function headwater.applied(who text, retried_key text, done bytea, moment timestamptz) returns boolean
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
create or replace function headwater.postpone(
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
