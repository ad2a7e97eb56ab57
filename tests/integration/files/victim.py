"""A process that takes in one upload and stops before and after each step, to be killed there.

Run as ``python -m tests.integration.files.victim SETTINGS plain`` or ``… SETTINGS tus ADDRESS OFFSET``. It prints the
name of each point that it reaches and waits for a line before it goes on.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from headwater.backend import Backend
from headwater.db import Connection
from headwater.http.files import upload as uploads
from headwater.http.files.tus import appending
from headwater.objects.staging import Staging
from headwater.settings import Settings
from tests.integration.files.album import MIB, backend
from tests.integration.files.sending import send
from tests.integration.files.tus import BYTES

CONTENT = bytes(range(256)) * (20 * MIB // 256)
"""Three parts."""


def reach(point: str) -> None:
    print(point, flush=True)
    sys.stdin.readline()


def stop_around(owner: Any, name: str) -> None:
    """Each call of a function is a step."""
    function: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def stopped(*args: Any, **options: Any) -> Any:
        reach(f"before {name}")
        result = await function(*args, **options)
        reach(f"after {name}")
        return result

    setattr(owner, name, stopped)


def stop_around_commit() -> None:
    send_text = Connection.execute

    async def execute(self: Connection, sql: str, *args: Any, **options: Any) -> Any:
        if not sql.endswith("commit"):
            return await send_text(self, sql, *args, **options)
        reach("before commit")
        result = await send_text(self, sql, *args, **options)
        reach("after commit")
        return result

    Connection.execute = execute


class Here(NamedTuple):
    """The backend of this process."""

    backend: Backend


async def main(settings: Settings, kind: str, *rest: str) -> None:
    await backend.open(settings, name="victim")
    stop_around(Staging, "begin")
    stop_around(Staging, "put")
    stop_around(uploads, "keep")
    stop_around(appending, "append")
    stop_around_commit()

    if kind == "plain":
        reply = await send(Here(backend), "PUT", "/anything/x", _pieces(0))
    else:
        address, offset = rest
        headers = {**BYTES, "upload-offset": offset}
        reply = await send(Here(backend), "PATCH", address, _pieces(int(offset)), headers)
    reach(f"answered {reply.status}")
    await backend.close()


def _pieces(start: int) -> list[bytes]:
    return [CONTENT[at : at + MIB] for at in range(start, len(CONTENT), MIB)]


def read_settings(text: str) -> Settings:
    return msgspec.json.decode(text, type=Settings, dec_hook=lambda kind, value: Path(value))


def write_settings(settings: Settings) -> str:
    return msgspec.json.encode(settings, enc_hook=str).decode()


if __name__ == "__main__":
    asyncio.run(main(read_settings(sys.argv[1]), *sys.argv[2:]))
