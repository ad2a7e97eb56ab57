"""For the tests of apps that use this one: people with authenticated clients."""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from apps.people.rows import Joined
from headwater.testing import Client, RunningBackend


class Somebody(NamedTuple):
    """A person, and a client that sends their key with every request."""

    id: str
    client: Client


METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})

Join = Callable[..., Awaitable[Somebody]]


def joining(backend: RunningBackend) -> Join:
    """``await join("Ada")`` creates an account."""

    async def join(name: str, time_zone: str = "UTC") -> Somebody:
        answer = await backend.client.post("/people", json={"name": name, "time_zone": time_zone})
        joined = answer.json(Joined)
        headers = {"Authorization": f"Bearer {joined.key.secret}"}
        return Somebody(str(joined.id), Client(backend.backend, headers=headers))

    return join


def operations(backend: RunningBackend) -> list[tuple[str, str]]:
    """Method and path of every operation in the OpenAPI document, for tests that leave none out."""
    paths = backend.backend.openapi()["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method in item if method in METHODS]
