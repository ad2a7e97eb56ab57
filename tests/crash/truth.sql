-- What the checker holds the log and its consumers against: written in the very transactions that emit the events.
create schema crash;

create table crash.key (key integer primary key, seq bigint not null default 0);

create table crash.ledger (
    event uuid primary key,
    tx uuid not null,
    ordinal integer not null,           -- the order in which the transaction emitted it
    key integer not null,
    seq bigint not null,                -- counted under the key's row lock: the order of the commits of one key
    unique (key, seq)
);
create index ledger_tx on crash.ledger (tx);

-- What consumers did. Nothing here is unique: a second application must show, not fail.
create table crash.applied (
    id bigint generated always as identity,
    consumer text not null,
    key integer not null,
    seq bigint not null,
    event uuid not null
);

-- What the observer saw wrong while it happened.
create table crash.sighting (
    id bigint generated always as identity,
    kind text not null,
    detail text not null,
    position text not null
);
