"""The desk of the document has what it declares."""

from headwater.testing import RunningBackend


async def test_the_desk_of_the_document(backend: RunningBackend) -> None:
    client = backend.client
    assert (await client.get("/desk/price")).json() == {"cents": 100, "currency": "EUR"}
    assert (await client.get("/desk/price", headers={"X-Currency": "XXX"})).status == 406
    await client.post("/desk/notes")
    await backend.settle()
    assert (await client.get("/desk/price", headers={"X-Currency": "hello"})).json()["cents"] == 1
    till = await client.get("/desk/till")
    assert (till.status, till.json()["detail"], till.headers["retry-after"]) == (409, "The till is closed.", "60")
    assert (await client.get("/desk/counted")).headers["x-desk"] == "1"
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert paths["/desk/counted"]["get"]["x-counted"] == "billing"
    assert "406" in paths["/desk/price"]["get"]["responses"]
    assert b'desk_calls_total{reason="billing"} 1.0' in backend.metrics.expose()[1]
    assert (await client.get("/readyz")).status == 200
