-- What a command answered under an Idempotency-Key, committed with the command itself (guarantees G1, G2).
-- A row is written once, complete, when its command commits; the claim before that is an advisory lock.
create table headwater.idempotency (
    scope bytea primary key,            -- SHA-256 of principal, method, route and key
    fingerprint bytea not null,         -- SHA-256 of the request
    status smallint not null,
    headers bytea not null,             -- JSON: [[name, value], …]
    body bytea not null,
    created_at timestamptz not null
);

-- What is too old is dropped in this order. Vacuum lets new rows into old pages, so a BRIN index would not stay selective.
create index idempotency_created_at on headwater.idempotency (created_at);
