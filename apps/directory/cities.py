"""SQL about cities: the statements that pages are read from."""

from apps.directory.rows import City
from headwater import Db

EARTH_KM = 6371.0088
"""The mean radius (IUGG)."""

FOUND = """
select c.id, c.name, c.country, c.population, s.spelling, s.likeness
from (
    select distinct on (city)
        city, name as spelling, case when lower(name) = lower($1) then 1 else similarity(name, $1) end as likeness
    from directory.spelling
    where name % $1 or lower(name) = lower($1)
    order by city, likeness desc, name
) s
join directory.city c on c.id = s.city
"""
"""Cities with a spelling similar to $1, each with its most similar one. In a cluster with LC_CTYPE C, pg_trgm supports
only ASCII letters, and names in other scripts are found only by exact spelling; the embedded cluster has C.UTF-8."""

BEGINNING = """
select id, name, country, population, latitude, longitude, timezone
from directory.city
where id in (select city from directory.spelling where lower(name) like lower($1) || '%')
"""
"""Cities with a spelling that begins with $1."""

NEAR = f"""
select id, name, country, population, 2 * {EARTH_KM} * asin(least((place <-> here) / 2, 1)) as distance
from directory.city,
     cube(array[cos(radians($1)) * cos(radians($2)), cos(radians($1)) * sin(radians($2)), sin(radians($1))]) as here
where place <@ cube_enlarge(here, 2 * sin(least($3 / {EARTH_KM} / 2, pi() / 2)), 3)
  and place <-> here <= 2 * sin(least($3 / {EARTH_KM} / 2, pi() / 2))
"""
"""Cities at most $3 kilometres from latitude $1 and longitude $2. The index finds those in a box around the spherical
cap; the chord length decides which of them are in the cap."""


async def city(db: Db, id: int) -> City:
    return await db.one(
        City,
        "select id, name, country, population, latitude, longitude, timezone from directory.city where id = $1",
        id,
    )
