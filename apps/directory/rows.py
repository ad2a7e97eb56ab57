"""Types: rows."""

from datetime import date, datetime
from typing import Annotated

from headwater import Meta, Row

Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["PT"])]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="Degrees north")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="Degrees east")]


class Person(Row, table="directory.person"):
    """A person. `born` is null if the date of birth is unknown."""

    id: int
    name: str
    email: str
    country: str
    city: str
    born: date | None
    joined: datetime


class Resemblance(Row):
    """A person with a similar name: `likeness` is 1 if it has the same trigrams."""

    id: int
    name: str
    country: str
    likeness: float


class CountryCount(Row):
    country: str
    people: int


class YearCount(Row):
    year: int
    people: int


class AgeCount(Row):
    """The number of people in an age group of ten years, from `since` on."""

    since: int
    people: int


class Statistics(Row):
    """All counts. `ages` are without people of unknown age."""

    people: int
    countries: list[CountryCount]
    joined: list[YearCount]
    ages: list[AgeCount]


class City(Row, table="directory.city"):
    """A city of GeoNames."""

    id: int
    name: str
    country: str
    population: int
    latitude: float
    longitude: float
    timezone: str


class FoundCity(Row):
    """A city with a spelling similar to the name."""

    id: int
    name: str
    country: str
    population: int
    spelling: str
    likeness: float


class NearCity(Row):
    """A city and its great-circle distance in kilometres."""

    id: int
    name: str
    country: str
    population: int
    distance: float
