"""The desk of the document keeps out whom it should."""

from headwater.testing import RunningBackend


async def test_the_desk_of_the_document(backend: RunningBackend) -> None:
    client = backend.client
    session = {"Cookie": "__Host-session=session-of-ann"}
    assert (await client.get("/me")).status == 401
    assert (await client.get("/me", headers={"Cookie": "__Host-session=session-of-old"})).status == 401
    me = (await client.get("/me", headers=session)).json()
    assert me["id"] == "ann"
    assert (await client.post("/keys", headers=session)).status == 403
    made = await client.post("/keys", headers={**session, "X-CSRF-Token": me["csrf_token"]})
    assert (made.status, made.headers["cache-control"]) == (201, "no-store")
    secret = made.json()["secret"]
    key = {"Authorization": f"Bearer {secret}"}
    assert (await client.get("/notes", headers=key)).json() == [{"text": "ours"}]
    assert (await client.get("/notes", headers={"Authorization": f"Bearer {secret}x"})).status == 401
    assert (await client.post("/keys", headers=key)).json()["type"] == "urn:headwater:problem:insufficient-scope"
    stored = await backend.db.all(bytes, "select digest from desk.key")
    assert secret.encode() not in stored[0]
