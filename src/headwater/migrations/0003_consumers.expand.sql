-- Who follows the log, and how far each has come.

create table headwater.consumer (
    name text primary key,
    handler text not null,              -- the handler it runs; a replay runs one under another consumer's name
    generation integer not null,        -- the layout that its watermarks stand in
    created_at timestamptz not null default now()
);

-- The row is the lock (claimed with for update skip locked), the fence (moved conditionally) and the offset.
create table headwater.watermark (
    consumer text not null references headwater.consumer on delete cascade,
    partition smallint not null,
    position headwater.position not null,
    primary key (consumer, partition)
) with (fillfactor = 50);

-- A key whose first entry failed and will be tried again.
create table headwater.retry (
    consumer text not null references headwater.consumer on delete cascade,
    key text not null,
    partition smallint not null,
    attempts integer not null,
    next_attempt_at timestamptz not null,
    cause text not null,
    failed_at timestamptz not null default clock_timestamp(),
    primary key (consumer, key)
);
create index retry_due on headwater.retry (consumer, next_attempt_at);

-- A key set aside for a person, its retries used up.
create table headwater.parked (
    consumer text not null references headwater.consumer on delete cascade,
    key text not null,
    partition smallint not null,
    attempts integer not null,
    cause text not null,
    parked_at timestamptz not null default clock_timestamp(),
    primary key (consumer, key)
);

-- The entries of a key in retry or parked, oldest first: the failed one and whatever came behind it.
create table headwater.queued (
    consumer text not null references headwater.consumer on delete cascade,
    key text not null,
    position headwater.position not null,
    entry bytea not null,
    primary key (consumer, key, position)
);
