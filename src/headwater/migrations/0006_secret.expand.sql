-- What this backend signs with when HEADWATER_SECRET is not set: made here, once, so that all workers, hosts and
-- releases share it, and a restore brings it back. Two random UUIDs are 244 bits from the server's strong generator.

create table headwater.secret (
    name text primary key,
    value bytea not null,
    made_at timestamptz not null default now()
);

insert into headwater.secret (name, value)
values ('backend', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
