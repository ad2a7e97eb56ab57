-- The worker numbers of Snowflake ids. One is leased by one process at a time; the windows of a number never overlap.

create table headwater.id_worker (
    number integer primary key check (number between 0 and 1023),
    holder uuid,                                    -- who has it, or had it last
    until bigint not null                           -- end of its window: milliseconds since 2025, by our clock
) with (fillfactor = 50);

insert into headwater.id_worker (number, until) select number, 0 from generate_series(0, 1023) as number;
