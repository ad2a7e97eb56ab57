"""The backend under test, and who uses it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apps.links import backend as links
from headwater import Backend
from headwater.testing import Client, RunningBackend

Join = Callable[[str], Awaitable[Client]]


@pytest.fixture(scope="session")
def headwater_backend() -> Backend:
    return links


@pytest.fixture
def join(backend: RunningBackend) -> Join:
    """A client of somebody new."""

    async def join(name: str) -> Client:
        person: dict[str, Any] = (await backend.client.post("/people", json={"name": name})).json()
        return Client(backend.backend, headers={"Authorization": f"Bearer {person['key']['secret']}"})

    return join
