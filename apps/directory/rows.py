"""What the directory stores and shows."""

from datetime import date, datetime
from typing import Annotated

from headwater import Meta, Row

Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["PT"])]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="Degrees north")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="Degrees east")]


class Person(Row, table="directory.person"):
    """Somebody. Those who did not say when they were born have null there."""

    id: int
    name: str
    email: str
    country: str
    city: str
    born: date | None
    joined: datetime


class Resemblance(Row):
    """Somebody whose name is like the one that was looked for: `likeness` is 1 if it has the same letters."""

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
    """People of an age from `since` on, for ten years."""

    since: int
    people: int


class Statistics(Row):
    """What there is in all. `ages` are without those who did not say theirs."""

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
    """A city one of whose spellings is like the name that was looked for."""

    id: int
    name: str
    country: str
    population: int
    spelling: str
    likeness: float


class NearCity(Row):
    """A city and how far away it is, in kilometres along the ground."""

    id: int
    name: str
    country: str
    population: int
    distance: float
