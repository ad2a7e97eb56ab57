-- Give the log another number of partitions from its head on. The relay notices at its next append and begins again
-- from its slot, so what it has appended beyond the head of a transaction still under way goes. Says the generation.
create or replace function headwater.repartition(wanted smallint) returns integer
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
create or replace function headwater.switch_layout(who text) returns text
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
create or replace function headwater.partition_of(key text, partitions integer) returns smallint
language sql immutable as $$
    select (crc32(convert_to(key, 'UTF8')) % partitions)::smallint
$$;
