"""People to test with: what each asks is asked with a key of their own."""

from typing import Any
from uuid import uuid4

from apps.people.seed import plant_person
from headwater.testing import Reply, RunningBackend


class Asker:
    """A person, and the client that sends their key."""

    def __init__(self, backend: RunningBackend, secret: str) -> None:
        self._client = backend.client
        self._headers = {"Authorization": f"Bearer {secret}"}

    async def get(self, path: str) -> Reply:
        return await self._client.get(path, headers=self._headers)

    async def send(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._client.request(
            method, path, json=body, headers={**self._headers, **named}, idempotency_key=key or str(uuid4())
        )

    async def category(self, name: str = "Groceries") -> str:
        return str((await self.send("POST", "/categories", {"name": name})).json()["id"])

    async def spend(self, category: str, amount: int, **more: Any) -> Reply:
        return await self.send("POST", "/expenses", {"category": category, "amount": amount, "currency": "EUR", **more})


async def somebody(backend: RunningBackend, name: str = "Ada", zone: str = "UTC") -> Asker:
    """Somebody who has just joined."""
    async with backend.transaction() as tx:
        joined = await plant_person(tx, name, zone)
    return Asker(backend, joined.key.secret)
