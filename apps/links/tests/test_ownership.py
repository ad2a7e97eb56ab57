"""Two people, and every operation of the document: what is one's is not there for the other."""

from typing import Any, Final

from apps.people.testing import Join, operations
from headwater.testing import RunningBackend

OPEN: Final = {("POST", "/people"), ("POST", "/links"), ("GET", "/blocked-hosts"), ("GET", "/{code}")}
"""For whoever comes: that is what short links are for."""
BODIES: Final[dict[tuple[str, str], Any]] = {("PATCH", "/links/{code}"): {"status": 301}}


async def test_what_is_ones_own_is_not_there_for_another(backend: RunningBackend, join: Join) -> None:
    ada, eve = await join("Ada"), await join("Eve")
    await ada.client.post("/links", json={"target": "https://example.com/a", "alias": "sale"})
    key = (await ada.client.get("/people/me/keys")).json()[0]["id"]
    before = (await ada.client.get("/links/sale")).json()
    tried = 0
    for method, path in operations(backend):
        if "{" in path and (method, path) not in OPEN:
            body = BODIES.get((method, path))
            given = {"json": body} if body else {}
            answer = await eve.client.request(method, path.format(code="sale", id=key), **given)
            assert (method, path, answer.status) == (method, path, 404), answer.text
            tried += 1
    assert tried >= 6
    assert (await eve.client.get("/links")).json()["items"] == []
    assert (await ada.client.get("/links/sale")).json() == before


async def test_nothing_of_anybodys_is_shown_to_nobody(backend: RunningBackend) -> None:
    for method, path in operations(backend):
        if (method, path) not in OPEN:
            answer = await backend.client.request(
                method, path.format(code="sale", id="00000000-0000-0000-0000-000000000000")
            )
            assert (method, path, answer.status) == (method, path, 401), answer.text
