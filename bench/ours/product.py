"""The product's own processes, started the way the supervisor starts them, logs and all."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from headwater.settings import Settings
from headwater.supervisor.assignment import Assignment
from headwater.supervisor.child import Child
from headwater.supervisor.collector import LogCollector
from headwater.supervisor.environment import environment_of


@asynccontextmanager
async def product_child(
    role: str, backend: str, settings: Settings, folder: Path, listener: socket.socket | None = None
) -> AsyncIterator[int]:
    """A relay, web worker or consumer worker of `backend` (``module:name``); its process id once it is ready."""
    collector = LogCollector(folder / "log")
    assignment = Assignment(role=role, backend=backend)
    child = Child(
        assignment, environ=environment_of(settings), channel=collector.channel(assignment.name), listener=listener
    )
    try:
        await child.start()
        yield child.statistics()["pid"]
    finally:
        await child.stop()
        collector.close()
