"""The library of the document works."""

from headwater.testing import RunningBackend


async def test_the_library_of_the_document(backend: RunningBackend) -> None:
    added = await backend.client.post("/books", json={"title": "Dune"}, idempotency_key="k1")
    assert (added.status, added.json()["copies"]) == (201, 1)
    assert (await backend.client.post("/imports", json=[{"title": "Emma"}, {"title": "Ulysses"}])).status == 202
    await backend.settle()
    assert await backend.db.one(tuple[int, int], "select books, imported from library.shelf") == (1, 2)
    assert (await backend.client.get("/books")).body.count(b"\n") == 3
    shelf = (await backend.client.get("/shelf?sort=-title&limit=2&count=exact&fields=title")).json()
    assert (shelf["items"], shelf["count"]) == ([{"title": "Ulysses"}, {"title": "Emma"}], 3)
    rare = await backend.client.get("/rare?limit=1&copies[ge]=1&title[prefix]=E")
    assert [book["title"] for book in rare.json()["items"]] == ["Emma"]
    label = await backend.client.get(f"{added.headers['location']}/label")
    assert (label.text, label.headers["x-asked-by"]) == ("Dune\n", "127.0.0.1")
    assert (await backend.client.get("/books/00000000-0000-0000-0000-000000000000/label")).status == 404
    ticket = (await backend.client.post("/tickets?subject=Noise")).json()
    assert (await backend.client.get(f"/tickets/{ticket['id']}")).json() == {"id": ticket["id"], "subject": "Noise"}
    assert ticket["id"].isdigit()
    later = (await backend.client.post("/tickets?subject=Light")).json()
    assert int(later["id"]) > int(ticket["id"])
