"""The test kit: real PostgreSQL, a database for every test, a clock that jumps, and `settle()`.

The pytest plugin is active wherever Headwater is installed; a test uses the fixture `backend`, a `RunningBackend`. Each
name is imported when it is first used, so tests without a backend do not pay for one.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.testing.client import Client as Client
    from headwater.testing.client import Reply as Reply
    from headwater.testing.clock import Clock as Clock
    from headwater.testing.databases import Databases as Databases
    from headwater.testing.polling import NotSeen as NotSeen
    from headwater.testing.polling import eventually as eventually
    from headwater.testing.running import RunningBackend as RunningBackend
    from headwater.testing.server import Server as Server
    from headwater.testing.server import serving as serving

_HOMES = {
    "Client": "headwater.testing.client",
    "Clock": "headwater.testing.clock",
    "Databases": "headwater.testing.databases",
    "NotSeen": "headwater.testing.polling",
    "Reply": "headwater.testing.client",
    "RunningBackend": "headwater.testing.running",
    "Server": "headwater.testing.server",
    "eventually": "headwater.testing.polling",
    "serving": "headwater.testing.server",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
