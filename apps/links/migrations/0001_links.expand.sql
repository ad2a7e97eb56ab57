-- Links, the hosts that none may lead to, and how often each link was followed on each day.

create table links.link (
    code text collate "C" primary key check (code ~ '^[A-Za-z0-9][A-Za-z0-9_-]{2,39}$'),
    target text not null check (length(target) between 10 and 2048),
    host text collate "C" not null,                     -- of the target, as DNS has it
    status smallint not null default 302 check (status in (301, 302)),
    owner text,                                         -- of a link that nobody owns, nobody changes anything
    blocked boolean not null default false,             -- follows links.blocked_host
    revision bigint not null default 1,
    made_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    expires_at timestamptz,
    deleted_at timestamptz                              -- a code is never given twice, so the row stays
) with (fillfactor = 90);

create index link_by_owner on links.link (owner, made_at, code);
create index link_by_host on links.link (reverse(host) text_pattern_ops);

create table links.blocked_host (
    host text collate "C" primary key check (host = lower(host) and host !~ '[^a-z0-9.-]'),
    reason text not null default '',
    blocked_at timestamptz not null default now()
);

create table links.clicks (
    code text collate "C" not null references links.link,
    day date not null,                                  -- in UTC
    count bigint not null check (count > 0),
    primary key (code, day)
) with (fillfactor = 80);
