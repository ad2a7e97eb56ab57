"""Serve a peer the way Headwater serves its own: ``python -m bench.peers.serve MODULE:NAME DESCRIPTOR``.

The same Granian with the same options in the same event loop, on an inherited socket that already listens.
"""

import asyncio
import importlib
import signal
import socket
import sys
from typing import Any

import uvloop

from headwater.http.serving.server import serve
from headwater.settings import Settings


async def _serve(app: Any, descriptor: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(_as_served(app), socket=socket.socket(fileno=descriptor), settings=Settings(), stop=stop)


def _as_served(app: Any) -> Any:
    """What the server asks of an application at its end, without another layer on the way of each request."""

    async def drain() -> None:
        return

    served = {"__call__": staticmethod(app), "leave": staticmethod(lambda: None), "drain": staticmethod(drain)}
    return type("Peer", (), served)()


def main() -> None:
    place, descriptor = sys.argv[1:]
    module, _, name = place.partition(":")
    uvloop.run(_serve(getattr(importlib.import_module(module), name), int(descriptor)))


if __name__ == "__main__":
    main()
