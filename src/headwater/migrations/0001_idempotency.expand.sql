-- What a command answered under an Idempotency-Key, committed with the command itself (guarantees G1, G2).
create table headwater.idempotency (
    scope bytea primary key,            -- SHA-256 of principal, method, route and key
    fingerprint bytea not null,         -- SHA-256 of the request
    status smallint,                    -- null only inside the transaction that will fill it
    headers bytea,                      -- JSON: [[name, value], …]
    body bytea,
    created_at timestamptz not null default now()
) with (fillfactor = 70);

create index idempotency_created_at on headwater.idempotency using brin (created_at);
