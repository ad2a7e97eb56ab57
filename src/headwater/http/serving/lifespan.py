"""The lifespan of an ASGI application, driven from the server's side."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from headwater.http.route.errors import HttpError

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

_SCOPE: Final = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}


class LifespanFailed(HttpError):
    """The application did not {step}: {reason}"""


class Lifespan:
    """Starts and stops `app`, with or without lifespan support. `state` is its lifespan state."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._events: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._answer: asyncio.Future[MutableMapping[str, Any]] | None = None
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        """Wait until the application is ready; raises `LifespanFailed` if it reports a failure."""
        self._task = asyncio.create_task(self._app({**_SCOPE, "state": self.state}, self._events.get, self._send))  # type: ignore[arg-type]
        answer = await self._ask("lifespan.startup")
        if answer is None:
            self._task = None
        elif answer["type"] == "lifespan.startup.failed":
            await self._end()
            raise LifespanFailed(step="start", reason=answer.get("message") or "it gave no reason.")

    async def stop(self) -> None:
        """Wait until the application has cleaned up; raises `LifespanFailed` if it reports a failure."""
        if self._task is None:
            return
        answer = await self._ask("lifespan.shutdown")
        await self._end()
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            raise LifespanFailed(step="stop", reason=answer.get("message") or "it gave no reason.")

    async def _ask(self, event: str) -> MutableMapping[str, Any] | None:
        """The application's message, or None if it ended or raised without one: it does not support lifespans."""
        assert self._task is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._events.put_nowait({"type": event})
        both: set[asyncio.Future[Any]] = {self._task, self._answer}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if self._answer.done():
            return self._answer.result()
        self._task.exception()
        return None

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(message)

    async def _end(self) -> None:
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=1.0)
            if not self._task.done():
                self._task.cancel()
                await asyncio.wait({self._task})
            elif not self._task.cancelled():
                self._task.exception()
            self._task = None
