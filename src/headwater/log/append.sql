-- Append batches and move the head, once: the row of headwater.log is the fence. Says 'appended'; or, with nothing
-- done, 'invisible' (a transaction among `xids` is not yet visible to others), 'relaid' (the layout changed) or
-- 'fenced' (another relay took over). The snapshot and the LSN are those of this call, for the next one's use.
-- Offsets are read before the fence: whoever changes them in between moves the head, so that the fence holds.
create or replace function headwater.append(
    relay text, fence bigint, layout integer,
    expected headwater.position, next headwater.position, scanned_to pg_lsn, horizon_to xid8, xids xid8[],
    partitions smallint[], lasts bytea[], firsts bytea[], counts integer[], payloads bytea[],
    out outcome text, out snapshot pg_snapshot, out lsn pg_lsn
) language plpgsql as $$
declare
    head headwater.log;
    offsets bigint[];
    bases bigint[];
    cell integer;
begin
    snapshot := pg_current_snapshot();
    lsn := pg_current_wal_insert_lsn();  -- after it: whatever is below the snapshot's xmin committed before this LSN
    if exists (select from unnest(xids) xid where not pg_visible_in_snapshot(xid, snapshot)) then
        outcome := 'invisible';
        return;
    end if;
    select l.next_offsets, l.unfinished into head.next_offsets, head.unfinished from headwater.log l where l.slot = relay;
    offsets := case when head.unfinished then headwater.offsets_beyond(head.next_offsets, layout, expected)
                    else head.next_offsets end;
    if offsets is not null then
        for i in 1 .. cardinality(partitions) loop
            cell := partitions[i] + 1;
            bases[i] := coalesce(offsets[cell], 0);
            offsets[cell] := bases[i] + counts[i];
        end loop;
    end if;
    update headwater.log
       set position = next, scanned = greatest(scanned, scanned_to), horizon = greatest(horizon, horizon_to),
           next_offsets = case when next > expected then offsets else next_offsets end,
           unfinished = next = expected and (unfinished or cardinality(partitions) > 0)
     where slot = relay and term = fence and generation = layout and position = expected
    returning * into head;
    if not found then
        select * into head from headwater.log where slot = relay;
        outcome := case when head.term = fence and head.generation <> layout then 'relaid' else 'fenced' end;
        return;
    end if;
    insert into headwater.batch (partition, last, first, count, payload, base_offset)
    select * from unnest(partitions, lasts, firsts, counts, payloads, bases);
    if next > expected then
        perform pg_notify('headwater', encode(next, 'hex') || ' ' || array_to_string(partitions, ' '));
    end if;
    outcome := 'appended';
end $$;

-- The offsets after the parts of a transaction that stand beyond the head already.
create or replace function headwater.offsets_beyond(offsets bigint[], layout integer, head bytea) returns bigint[]
language plpgsql as $$
declare
    part record;
begin
    if offsets is null then
        return null;
    end if;
    for part in
        select p.partition, b.base_offset + b.count as next
          from headwater.layout l
         cross join lateral generate_series(0, l.partitions - 1) as p(partition)
         cross join lateral (
                select base_offset, count from headwater.batch
                 where partition = p.partition and last > head
                 order by last desc limit 1) b
         where l.generation = layout
    loop
        offsets[part.partition + 1] := part.next;
    end loop;
    return offsets;
end $$;
