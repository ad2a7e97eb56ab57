"""The cities of the world: by size, by any of their names, by distance."""

from typing import Any
from urllib.parse import quote

import pytest

from apps.directory.atlas import load_cities
from headwater.testing import RunningBackend

MILLIONS = 1_000_000


async def ask(backend: RunningBackend, path: str) -> Any:
    async with backend.transaction() as tx:
        if not await tx.one(int, "select count(*) from directory.city"):
            await load_cities(tx, MILLIONS)
    reply = await backend.client.get(path)
    assert reply.status == 200, reply.text
    return reply.json()


async def everything(backend: RunningBackend, path: str) -> list[Any]:
    found: list[Any] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = await ask(backend, f"{path}&cursor={page['next']}" if page["next"] else path)
        found += page["items"]
    return found


async def test_the_largest_come_first(backend: RunningBackend) -> None:
    page = await ask(backend, "/cities?limit=3&count=exact")
    sizes = [city["population"] for city in page["items"]]
    assert sizes == sorted(sizes, reverse=True)
    assert page["count"] > 300
    assert [city["name"] for city in (await ask(backend, "/cities?country=PT&sort=name"))["items"]] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Munich", "Munich"), ("München", "Munich"), ("Muenchn", "Munich"), ("東京", "Tokyo"), ("Масква", "Moscow")],
)
async def test_a_city_is_found_by_any_spelling_and_most_misspellings(
    backend: RunningBackend, name: str, expected: str
) -> None:
    page = await ask(backend, f"/cities/resembling?name={quote(name)}")
    assert page["items"][0]["name"] == expected
    likeness = [each["likeness"] for each in page["items"]]
    assert likeness == sorted(likeness, reverse=True)


async def test_what_is_found_is_paged_and_nothing_is_shown_twice(backend: RunningBackend) -> None:
    whole = await everything(backend, "/cities/resembling?name=San&limit=100")
    parts = await everything(backend, "/cities/resembling?name=San&limit=1")
    assert parts == whole
    assert len({each["id"] for each in whole}) == len(whole) > 3


async def test_a_city_is_found_by_how_one_of_its_names_begins(backend: RunningBackend) -> None:
    found = await everything(backend, "/cities/beginning?prefix=m%C3%BCn&sort=name")
    assert "Munich" in [city["name"] for city in found]
    assert await everything(backend, "/cities/beginning?prefix=_") == []


async def test_cities_are_found_around_a_place_the_nearest_first(backend: RunningBackend) -> None:
    found = await everything(backend, "/cities/near?lat=48.137&lon=11.575&within=600&limit=2")
    assert found[0]["name"] == "Munich"
    assert found[0]["distance"] < 2
    distances = [each["distance"] for each in found]
    assert distances == sorted(distances)
    assert distances[-1] <= 600
    vienna = next(each for each in found if each["name"] == "Vienna")
    assert vienna["distance"] == pytest.approx(355, abs=5)


async def test_the_date_line_is_no_wall(backend: RunningBackend) -> None:
    east = await everything(backend, "/cities/near?lat=-36.85&lon=179.9&within=800&limit=100")
    west = await everything(backend, "/cities/near?lat=-36.85&lon=-179.9&within=800&limit=100")
    assert [each["name"] for each in east] == [each["name"] for each in west] == ["Auckland"]


async def test_the_whole_earth_is_near_enough(backend: RunningBackend) -> None:
    count = (await ask(backend, "/cities?count=exact&limit=1"))["count"]
    assert len(await everything(backend, "/cities/near?lat=90&lon=0&within=20100&limit=100")) == count
