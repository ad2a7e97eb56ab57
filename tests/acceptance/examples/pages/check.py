"""The registry of the document works, and lacks no index."""

import json

import pytest

from headwater.testing import RunningBackend


async def test_the_registry_of_the_document(backend: RunningBackend, capfd: pytest.CaptureFixture[str]) -> None:
    found = await backend.client.get("/people?sort=-born,name&country[in]=DE&country[in]=FR&fields=id,name&limit=50")
    assert found.json()["items"] == [{"id": 3, "name": "Emmy Noether"}, {"id": 2, "name": "Blaise Pascal"}]
    assert (await backend.client.get("/countries/EG/people?count=exact")).json()["count"] == 1
    alike = (await backend.client.get("/people/like/Emy%20Nother")).json()
    assert [match["name"] for match in alike["items"]] == ["Emmy Noether"]
    lines = (await backend.client.get("/people/export?since=2026-01-02T12:00:00Z")).body.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["Emmy Noether", "Hypatia"]
    assert "IndexMissing" not in capfd.readouterr().err
