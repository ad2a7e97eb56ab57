"""Conditional requests in the OpenAPI document."""

import re
from datetime import datetime
from typing import Any

import msgspec

from headwater.commit import Tx
from tests.unit.http.support import build, command, query


class Task(msgspec.Struct):
    id: int
    revision: int
    changed: datetime


async def show(id: int) -> Task: ...
async def lock(tx: Tx, id: int) -> Task: ...
async def change(tx: Tx, id: int) -> Task: ...
async def remove(tx: Tx, id: int) -> None: ...
async def plain(id: int) -> Task: ...


VALIDATED: dict[str, Any] = {"etag": "revision", "last_modified": "changed"}
ROUTES = [
    query("/tasks/{id}", show, **VALIDATED),
    command("/tasks/{id}", change, "PATCH", current=lock, if_match="required", **VALIDATED),
    command("/tasks/{id}", remove, "DELETE", current=lock, etag="revision"),
    query("/plain/{id}", plain),
]


async def operation(method: str, path: str = "/tasks/{id}") -> dict[str, Any]:
    document = (await build(*ROUTES).client.get("/openapi.json")).json()
    found: dict[str, Any] = document["paths"][path][method]
    return found


def conditions(found: dict[str, Any]) -> list[str]:
    return [each["name"] for each in found.get("parameters", []) if each["name"].startswith("If-")]


async def test_what_is_read_can_be_asked_for_again() -> None:
    found = await operation("get")
    assert conditions(found) == ["If-None-Match", "If-Modified-Since"]
    assert {"ETag", "Last-Modified"} <= found["responses"]["200"]["headers"].keys()
    assert {"ETag", "Last-Modified", "Cache-Control"} <= found["responses"]["304"]["headers"].keys()
    assert "content" not in found["responses"]["304"]
    assert "412" in found["responses"]


async def test_what_is_changed_can_be_protected() -> None:
    found = await operation("patch")
    assert conditions(found) == ["If-Match", "If-None-Match", "If-Unmodified-Since"]
    assert {"412", "428"} <= found["responses"].keys()
    assert {"ETag", "Last-Modified"} <= found["responses"]["200"]["headers"].keys()


async def test_what_has_no_content_has_no_validators() -> None:
    found = await operation("delete")
    assert conditions(found) == ["If-Match", "If-None-Match"]
    assert "428" not in found["responses"]
    assert "ETag" not in found["responses"]["204"]["headers"]


async def test_what_is_not_declared_is_not_shown() -> None:
    found = await operation("get", "/plain/{id}")
    assert conditions(found) == []
    assert not {"304", "412"} & found["responses"].keys()


async def test_a_header_that_is_ignored_when_it_is_malformed_has_no_pattern() -> None:
    found = {each["name"]: each["schema"] for each in (await operation("get"))["parameters"]}
    assert found["If-None-Match"] == found["If-Modified-Since"] == {"type": "string"}


async def test_the_pattern_of_a_list_of_tags_takes_what_is_read() -> None:
    (pattern,) = {
        each["schema"]["pattern"] for each in (await operation("patch"))["parameters"] if "Match" in each["name"]
    }
    for good in ('"7"', "*", 'W/"7", "8"', '""'):
        assert re.search(pattern, good)
    for bad in ("7", "", '"a b"', '"7" "8"', '*, "7"'):
        assert not re.search(pattern, bad)
