create table desk.key (
    digest bytea primary key,
    owner text not null,
    tenant text not null,
    scopes text [] not null,
    revoked_at timestamptz
);
create table desk.session (
    digest bytea primary key,
    owner text not null,
    tenant text not null,
    scopes text [] not null,
    expires_at timestamptz not null
);
create table desk.note (tenant text not null, text text not null);
insert into desk.session values (sha256('session-of-ann'), 'ann', 'north', '{keys:write}', now() + interval '1 hour');
insert into desk.session values (sha256('session-of-old'), 'old', 'north', '{keys:write}', now() - interval '1 hour');
insert into desk.note values ('north', 'ours'), ('south', 'theirs');
