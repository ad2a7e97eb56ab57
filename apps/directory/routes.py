"""HTTP: requests and responses."""

from collections.abc import AsyncIterator
from typing import Annotated

from apps.directory import cities, people
from apps.directory.app import app
from apps.directory.rows import (
    City,
    Country,
    FoundCity,
    Latitude,
    Longitude,
    NearCity,
    Person,
    Resemblance,
    Statistics,
)
from headwater import Db, Listing, Meta, Page, Pages, Query

PEOPLE = Pages(
    Person,
    sort=("name", "born", "joined", "country,name"),
    filters={
        "country": ("eq", "in"),
        "city": ("eq",),
        "born": ("ge", "lt", "null"),
        "joined": ("ge", "lt"),
    },
    fields=True,
    count=("none", "estimate", "exact"),
)
CITIES = Pages(
    City,
    sort=("population", "name"),
    default="-population",
    filters={"country": ("eq", "in"), "population": ("ge", "lt")},
    count=("none", "estimate", "exact"),
)
FOUND = Pages(FoundCity, sort=("likeness", "population"), default="-likeness,-population")
NEAR = Pages(NearCity, sort=("distance",))

Few = Annotated[int, Meta(ge=1, le=100)]
Text = Annotated[str, Meta(min_length=1, max_length=100)]


@app.query("GET /people")
async def list_people(db: Db, page: Annotated[Page, PEOPLE]) -> Listing[Person]:
    """People, a page at a time."""
    return await page.read(db)


@app.query("GET /people/export")
async def export_people(db: Db, country: Country | None = None) -> AsyncIterator[Person]:
    """All people, one per line, in one snapshot."""
    return people.everybody(db, country)


@app.query("GET /people/beginning")
async def find_beginning(db: Db, prefix: Text, limit: Few = 10) -> list[Person]:
    """The first people whose names begin with a prefix, for completion while typing."""
    return await people.beginning(db, prefix, limit)


@app.query("GET /people/resembling")
async def find_resembling(db: Db, name: Text, limit: Few = 10) -> list[Resemblance]:
    """People with a similar name, despite misspellings."""
    return await people.resembling(db, name, limit)


@app.query("GET /people/statistics")
async def show_statistics(db: Db) -> Statistics:
    """The number of people: by country, by the year in which they joined, by age."""
    return await people.statistics(db)


@app.query("GET /people/{id}")
async def show_person(db: Db, id: int) -> Person:
    """One person."""
    return await people.person(db, id)


@app.query("GET /cities")
async def list_cities(db: Db, page: Annotated[Page, CITIES]) -> Listing[City]:
    """Cities, the largest first."""
    return await page.read(db)


@app.query("GET /cities/beginning")
async def list_beginning(db: Db, prefix: Text, page: Annotated[Page, CITIES]) -> Listing[City]:
    """Cities with a name, in any language, that begins with a prefix."""
    pattern = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return await page.read(db, select=cities.BEGINNING, arguments=[pattern])


@app.query("GET /cities/resembling")
async def list_resembling(db: Db, name: Text, page: Annotated[Page, FOUND]) -> Listing[FoundCity]:
    """Cities with a similar name, the most similar first."""
    return await page.read(db, select=cities.FOUND, arguments=[name])


@app.query("GET /cities/near")
async def list_near(
    db: Db,
    page: Annotated[Page, NEAR],
    latitude: Annotated[Latitude, Query("lat")],
    longitude: Annotated[Longitude, Query("lon")],
    within: Annotated[float, Meta(gt=0, le=20100, description="Kilometres")] = 100.0,
) -> Listing[NearCity]:
    """Cities around a point, the nearest first."""
    return await page.read(db, select=cities.NEAR, arguments=[latitude, longitude, within])


@app.query("GET /cities/{id}")
async def show_city(db: Db, id: int) -> City:
    """One city."""
    return await cities.city(db, id)
