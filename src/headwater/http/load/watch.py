"""The watch: stops work for clients that have gone, and work that takes longer than it may.

To learn that a client has gone, somebody has to wait for it, and one more task for each request would cost more than
most requests do; a timer for each would, too. So requests are only noted here, and once a second those that have been
running for longer get someone who waits, and those whose deadline comes before the next look get a timer.

A command is not stopped because its client has gone, and its deadline counts until it begins to commit: whoever
executes it then takes the request's `task` away, and there is nothing left to be stopped.
"""

import asyncio
from time import perf_counter
from typing import Any, Final, Literal, Protocol

from headwater.http.message.request import Request

LOOK_SECONDS: Final = 1.0

Why = Literal["gone", "ending", "late"]


class Stoppable(Protocol):
    """What is worked on: `cancels` if it stops without its client; `deadline` is in seconds, 0 for none."""

    @property
    def cancels(self) -> bool: ...
    @property
    def deadline(self) -> float: ...


class Watch:
    """`running` holds the requests being answered that may be stopped; whoever answers adds and forgets them."""

    def __init__(self) -> None:
        self.running: dict[Request, Stoppable] = {}
        self._waiters: dict[Request, asyncio.Task[None]] = {}
        self._timers: dict[Request, tuple[asyncio.TimerHandle, float]] = {}
        self._answered: set[Request] = set()
        self._stopped: dict[Request, Why] = {}
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, in the running loop."""
        self._looking = asyncio.create_task(self._look_now_and_then(), name="watch clients")

    async def stop(self) -> None:
        """Look no more."""
        tasks = [*self._waiters.values()]
        if self._looking is not None:
            tasks.append(self._looking)
            self._looking = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def limit(self, request: Request, seconds: float) -> None:
        """Stop a request that runs for longer than `seconds`, counted from when it came."""
        left = request.started + seconds - perf_counter()
        timer = asyncio.get_running_loop().call_later(max(0.0, left), self._stop, request, "late")
        self._timers[request] = timer, seconds

    def answered(self, request: Request) -> None:
        """The answer has begun: its deadline is met, however long the rest of it takes."""
        self._answered.add(request)
        if (timer := self._timers.pop(request, None)) is not None:
            timer[0].cancel()

    def forget(self, request: Request) -> None:
        """The request has been answered, or stopped."""
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
        """Stop every request that is noted, except for commands."""
        for request, work in list(self.running.items()):
            if work.cancels:
                self._stop(request, "ending")

    def why_stopped(self, request: Request) -> Why | None:
        """Why a request was stopped; None if it was not stopped here."""
        return self._stopped.get(request)

    def seconds_of(self, request: Request) -> float:
        """The deadline of a request that is late."""
        return self._timers[request][1]

    def statistics(self) -> dict[str, Any]:
        """Requests that may be stopped, those whose client is waited for, and those whose deadline is near."""
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
            pass  # a body that nobody reads
        self._stop(request, "gone")

    def _stop(self, request: Request, why: Why) -> None:
        if request in self.running and request not in self._stopped and request.task is not None:
            self._stopped[request] = why
            request.task.cancel()


def _needs_no_more(request: Request) -> bool:
    """Whether nobody else will receive from the client: its body is read, or there is none to be read."""
    return request.raw_body is not None or request.method in ("GET", "HEAD")
