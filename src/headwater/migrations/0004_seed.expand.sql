-- Which backends have planted their demo data: once each, in the transaction that planted it.

create table headwater.seed (
    backend text primary key,
    planted_at timestamptz not null default now()
);
