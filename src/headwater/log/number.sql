-- Give offsets to the batches of a log that was begun without them. Says how many got one; null if nothing was to be
-- done. For the transaction that has taken the log over, when nothing stands beyond the head.
create or replace function headwater.number_batches(relay text) returns bigint language plpgsql as $$
declare
    numbered bigint;
begin
    perform from headwater.log where slot = relay and next_offsets is null;
    if not found then
        return null;
    end if;
    update headwater.batch b set base_offset = n.base_offset
      from (select partition, last, sum(count) over (partition by partition order by last) - count as base_offset
              from headwater.batch) n
     where b.partition = n.partition and b.last = n.last;
    get diagnostics numbered = row_count;
    update headwater.log
       set next_offsets = coalesce(
           (select array_agg(coalesce(n.next, 0) order by p.partition)
              from generate_series(0, (select max(partition) from headwater.batch)) as p(partition)
              left join (select partition, sum(count)::bigint as next from headwater.batch group by partition) n
                   using (partition)), '{}')
     where slot = relay;
    return numbered;
end $$;
