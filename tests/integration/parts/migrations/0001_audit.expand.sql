create table audit.note (
    id bigint generated always as identity primary key,
    who text not null,
    reason text not null,
    seen_at timestamptz not null default now()
);
