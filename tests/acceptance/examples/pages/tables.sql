create extension if not exists pg_trgm schema public;
create table registry.person (
    id bigint primary key, name text not null, country text not null, born date, joined timestamptz not null
);
create index person_by_name on registry.person (name, id);
create index person_by_born on registry.person (born, id);
create index person_by_country_joined on registry.person (country, joined desc, id desc);
insert into registry.person values
    (1, 'Ada Lovelace', 'GB', '1815-12-10', '2026-01-01Z'), (2, 'Blaise Pascal', 'FR', '1623-06-19', '2026-01-02Z'),
    (3, 'Emmy Noether', 'DE', '1882-03-23', '2026-01-03Z'), (4, 'Hypatia', 'EG', null, '2026-01-04Z');
