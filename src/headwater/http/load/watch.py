"""The watch: cancels requests whose client has disconnected, and requests that exceed their deadline.

A task per request that waits for the disconnect would cost more than most requests; so would a timer per request. So
requests are only registered here. Once a second, requests that have run for longer get a task that waits for the
disconnect, and requests whose deadline comes before the next look get a timer.

A command is not cancelled when its client disconnects, and its deadline applies until it begins to commit: then the
request's `task` is removed, so it can no longer be cancelled.
"""

import asyncio
from time import perf_counter
from typing import Any, Final, Literal, Protocol

from headwater.http.message.request import Request

LOOK_SECONDS: Final = 1.0

Why = Literal["gone", "ending", "late"]


class Stoppable(Protocol):
    """A running operation: `cancels` if it is cancelled without its client; `deadline` in seconds, 0 for none."""

    @property
    def cancels(self) -> bool: ...
    @property
    def deadline(self) -> float: ...


class Watch:
    """`running` holds the requests in flight that may be cancelled; the application adds and forgets them."""

    def __init__(self) -> None:
        self.running: dict[Request, Stoppable] = {}
        self._waiters: dict[Request, asyncio.Task[None]] = {}
        self._timers: dict[Request, tuple[asyncio.TimerHandle, float]] = {}
        self._answered: set[Request] = set()
        self._stopped: dict[Request, Why] = {}
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start looking periodically, in the running loop."""
        self._looking = asyncio.create_task(self._look_now_and_then(), name="watch clients")

    async def stop(self) -> None:
        """Stop looking."""
        tasks = [*self._waiters.values()]
        if self._looking is not None:
            tasks.append(self._looking)
            self._looking = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def limit(self, request: Request, seconds: float) -> None:
        """Cancel a request that runs for longer than `seconds` from its arrival."""
        left = request.started + seconds - perf_counter()
        timer = asyncio.get_running_loop().call_later(max(0.0, left), self._stop, request, "late")
        self._timers[request] = timer, seconds

    def answered(self, request: Request) -> None:
        """The response has begun, so the deadline is met, however long the rest takes."""
        self._answered.add(request)
        if (timer := self._timers.pop(request, None)) is not None:
            timer[0].cancel()

    def forget(self, request: Request) -> None:
        """The request is over."""
        self.running.pop(request, None)
        if self._waiters and (waiter := self._waiters.pop(request, None)) is not None:
            waiter.cancel()
        if self._timers and (timer := self._timers.pop(request, None)) is not None:
            timer[0].cancel()
        if self._answered:
            self._answered.discard(request)
        if self._stopped:
            self._stopped.pop(request, None)

    def stop_all(self) -> None:
        """Cancel every registered request, except for commands."""
        for request, work in list(self.running.items()):
            if work.cancels:
                self._stop(request, "ending")

    def why_stopped(self, request: Request) -> Why | None:
        """Why a request was cancelled; None if the watch did not cancel it."""
        return self._stopped.get(request)

    def seconds_of(self, request: Request) -> float:
        """The deadline of a request that exceeded it."""
        return self._timers[request][1]

    def statistics(self) -> dict[str, Any]:
        """Requests that may be cancelled, those whose client is watched, and those with a timer."""
        return {"running": len(self.running), "watched": len(self._waiters), "timed": len(self._timers)}

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = perf_counter()
            for request, work in list(self.running.items()):
                if work.cancels and request.started < now - LOOK_SECONDS:
                    self._wait_for_client(request)
                if work.deadline and request.started + work.deadline < now + LOOK_SECONDS:
                    self._near(request, work.deadline)

    def _wait_for_client(self, request: Request) -> None:
        if request not in self._waiters and _needs_no_more(request):
            self._waiters[request] = asyncio.create_task(self._wait_until_gone(request))

    def _near(self, request: Request, seconds: float) -> None:
        if request not in self._timers and request not in self._answered:
            self.limit(request, seconds)

    async def _wait_until_gone(self, request: Request) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass  # a body that is not read
        self._stop(request, "gone")

    def _stop(self, request: Request, why: Why) -> None:
        if request in self.running and request not in self._stopped and request.task is not None:
            self._stopped[request] = why
            request.task.cancel()


def _needs_no_more(request: Request) -> bool:
    """Whether nothing else receives from the client: its body is read, or there is none."""
    return request.raw_body is not None or request.method in ("GET", "HEAD")
