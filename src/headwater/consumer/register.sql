-- Add a consumer with watermarks at `start` (null: the head), in the layout that holds there. False if it exists.
create or replace function headwater.register(who text, runs text, start bytea) returns boolean
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
