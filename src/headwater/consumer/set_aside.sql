-- Move the watermark over an entry that failed alone, and set its key aside: until `retry_at`, or, when that is
-- null, for a person. False if the watermark was no longer where it was expected.
create or replace function headwater.set_aside(
    who text, part smallint, layout integer, expected bytea, failed bytea,
    failed_key text, failed_entry bytea, retry_at timestamptz, why text
) returns boolean language plpgsql as $$
begin
    update headwater.watermark set position = failed, moved_at = clock_timestamp()
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
