-- What readers ask of the log beside its entries: a place that can be counted, and since when a reader stands where
-- it stands.

-- The offset of the first entry: in each partition they count from 0 on, without a gap, whatever becomes of layouts,
-- epochs and segments. Null in a batch of a log that no relay has numbered yet; the next to start does.
alter table headwater.batch add column base_offset bigint;

alter table headwater.log
    add column next_offsets bigint[],                       -- by partition: of the entry that comes after the head
    add column unfinished boolean not null default false;   -- parts of a transaction may stand beyond the head
alter table headwater.log alter column next_offsets set default '{}';

alter table headwater.watermark add column moved_at timestamptz not null default now();

-- Columns of published tables whose values before a change belong into the log, where the replica identity knows them.
create table headwater.old_value (
    publication text,
    relation text,                      -- schema.table
    columns text[] not null,
    primary key (publication, relation)
);
