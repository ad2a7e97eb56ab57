"""SQL about people, and nothing else."""

from collections.abc import AsyncIterator

from apps.directory.rows import AgeCount, CountryCount, Person, Resemblance, Statistics, YearCount
from headwater import Db

PERSON = "id, name, email, country, city, born, joined"


async def person(db: Db, id: int) -> Person:
    return await db.one(Person, f"select {PERSON} from directory.person where id = $1", id)


def everybody(db: Db, country: str | None) -> AsyncIterator[Person]:
    """All people, or those of a country, in one snapshot and in no particular order."""
    if country is None:
        return db.stream(Person, f"select {PERSON} from directory.person")
    return db.stream(Person, f"select {PERSON} from directory.person where country = $1", country)


async def beginning(db: Db, prefix: str, limit: int) -> list[Person]:
    """People whose names begin with the prefix, ignoring case, in code point order."""
    return await db.all(
        Person,
        f"select {PERSON} from directory.person where lower(name) like lower($1) || '%' "
        "order by lower(name) using operator(pg_catalog.~<~), id limit $2",
        prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_"),
        limit,
    )


async def resembling(db: Db, name: str, limit: int) -> list[Resemblance]:
    """People whose names share the most trigrams with this one, the most similar first."""
    return await db.all(
        Resemblance,
        "select id, name, country, similarity(name, $1) as likeness from directory.person "
        "where name % $1 order by likeness desc, id limit $2",
        name,
        limit,
    )


async def statistics(db: Db) -> Statistics:
    """All counts, in one snapshot."""
    async with db.snapshot() as snapshot:
        countries = await snapshot.all(
            CountryCount,
            "select country, count(*) as people from directory.person group by country order by people desc, country",
        )
        joined = await snapshot.all(
            YearCount,
            "select extract(year from joined at time zone 'UTC')::integer as year, count(*) as people "
            "from directory.person group by year order by year",
        )
        ages = await snapshot.all(
            AgeCount,
            "select width_bucket(extract(year from age(born)), 0, 120, 12)::integer * 10 - 10 as since, "
            "count(*) as people from directory.person where born is not null group by since order by since",
        )
    return Statistics(people=sum(each.people for each in countries), countries=countries, joined=joined, ages=ages)
