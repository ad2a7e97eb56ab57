"""Wake-ups: readers of the log are told at once when its head moves.

PostgreSQL's NOTIFY carries the new position and the partitions that grew. It is a hint and may be lost with its
connection, so every reader also polls from time to time.
"""

import asyncio
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import asyncpg

from headwater.backoff import Backoff
from headwater.db import FOREIGN
from headwater.log.position import Position
from headwater.observe import Level, Occurrence, report

CHANNEL: Final = "headwater"
_RECONNECT: Final = Backoff(first=0.1, most=2.0)
_CONNECT_SECONDS: Final = 10.0

Listener = Callable[[Position | None, Iterable[int]], None]
"""Called with the new head and the partitions that grew; with (None, ()) after a reconnect: then poll."""


class WakeupsLost(Occurrence, frozen=True):
    """The connection that listens for wake-ups is lost. Until it is back, readers poll."""

    level: ClassVar[Level] = "warning"
    reason: str
    retry_in_seconds: float


class Wakeups:
    """One listening connection of a process; ``async with Wakeups(url) as wakeups``. It reconnects by itself."""

    def __init__(self, url: str, *, application_name: str = "headwater listens") -> None:
        self._url = url
        self._application_name = application_name
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_listening(), name="wake-ups")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at every wake-up; returns a function that unsubscribes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def wait_listening(self) -> None:
        """Wait until the connection listens: later wake-ups are received."""
        await self._listening.wait()

    async def _keep_listening(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
                reason, failures = "the connection was closed", 0
            except FOREIGN as error:
                reason = f"{type(error).__name__}: {error}"
            self._listening.clear()
            failures += 1
            pause = _RECONNECT.delay(failures)
            report(WakeupsLost(reason=reason, retry_in_seconds=pause))
            await asyncio.sleep(pause)

    async def _listen(self) -> None:
        """Listen until the connection ends."""
        ended = asyncio.Event()
        connection = await asyncpg.connect(
            self._url, timeout=_CONNECT_SECONDS, server_settings={"application_name": self._application_name}
        )
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._on_notification)
            self._listening.set()
            self._tell(None, ())
            await ended.wait()
        finally:
            connection.terminate()

    def _on_notification(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        try:
            position, *partitions = payload.split()
            head, grown = Position.from_bytes(bytes.fromhex(position)), [int(partition) for partition in partitions]
        except ValueError:  # anybody may NOTIFY this channel, and polling does no harm
            self._tell(None, ())
        else:
            self._tell(head, grown)

    def _tell(self, position: Position | None, partitions: Iterable[int]) -> None:
        for listener in self._listeners:
            listener(position, partitions)
