-- Cities of the world with every spelling of their names, and where they are.

create extension if not exists cube schema public;

create table directory.city (
    id bigint primary key,                      -- of GeoNames
    name text not null,
    country text not null,
    population bigint not null,
    latitude double precision not null check (latitude between -90 and 90),
    longitude double precision not null check (longitude between -180 and 180),
    timezone text not null,
    -- On the unit sphere: the nearest by straight line through it is the nearest by any way around it, and there is
    -- no seam at the date line and no shrinking at the poles.
    place public.cube generated always as (public.cube(array[
        cos(radians(latitude)) * cos(radians(longitude)),
        cos(radians(latitude)) * sin(radians(longitude)),
        sin(radians(latitude))
    ])) stored
);

create index city_by_population on directory.city (population, id);
create index city_by_name on directory.city (name, id);
create index city_by_place on directory.city using gist (place);

create table directory.spelling (
    city bigint not null references directory.city on delete cascade,
    name text not null,
    primary key (city, name)
);

create index spelling_begins on directory.spelling (lower(name) text_pattern_ops, city);
create index spelling_resembles on directory.spelling using gin (name gin_trgm_ops);
