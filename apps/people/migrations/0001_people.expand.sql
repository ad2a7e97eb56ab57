-- People, and the digests of the keys that they are known by.

create table people.person (
    id uuid primary key,
    name text not null check (length(name) between 1 and 200),
    time_zone text not null,
    joined_at timestamptz not null default now()
);

create table people.key (
    id uuid primary key,
    person uuid not null references people.person on delete cascade,
    digest bytea not null unique check (length(digest) = 32),      -- SHA-256; the key itself is nowhere
    label text not null check (length(label) between 1 and 100),
    made_at timestamptz not null default now(),
    expires_at timestamptz
);

create index key_by_person on people.key (person, made_at, id);
