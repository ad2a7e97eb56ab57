-- People, a million of them or more, and what they are found by.

create extension if not exists pg_trgm schema public;

create table directory.person (
    id bigint primary key,
    name text not null,
    email text not null unique,
    country text not null,                      -- ISO 3166-1 alpha-2
    city text not null,
    born date,                                  -- null if they did not say
    joined timestamptz not null
);

-- Each order of the list, at any depth and in both directions.
create index person_by_name on directory.person (name, id);
create index person_by_born on directory.person (born, id);
create index person_by_joined on directory.person (joined, id);
create index person_by_country_name on directory.person (country, name, id);

-- Names by what they begin with, and by what they look like.
create index person_name_begins on directory.person (lower(name) text_pattern_ops, id);
create index person_name_resembles on directory.person using gin (name gin_trgm_ops);
