"""The apps that conformance is proven over: every folder of ``apps/`` that has a backend."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from headwater.backend import Backend
from headwater.supervisor.locate import load_backend
from headwater.testing.running import RunningBackend

PROJECT = Path(__file__).parents[2]

Prepare = Callable[[RunningBackend], Awaitable[Mapping[str, str]]]


async def nothing(running: RunningBackend) -> Mapping[str, str]:
    """For an app that asks nobody who they are."""
    return {}


class AppCase(msgspec.Struct, frozen=True):
    """`prepare` makes what requests need once the demo data is there, and returns their header fields."""

    name: str
    prepare: Prepare = nothing

    def load(self) -> Backend:
        return load_backend(f"apps.{self.name}:backend", PROJECT)


async def a_person(running: RunningBackend) -> Mapping[str, str]:
    """For an app of people: somebody has joined."""
    joined = await running.client.post("/people", json={"name": "Ada"})
    return {"Authorization": f"Bearer {joined.json()['key']['secret']}"}


PREPARATIONS: dict[str, Prepare] = dict.fromkeys(("expenses", "links", "people", "tasks"), a_person)

APPS = [
    AppCase(folder.name, PREPARATIONS.get(folder.name, nothing))
    for folder in sorted((PROJECT / "apps").iterdir())
    if (folder / "backend.py").exists()
]
