"""The watch: stops work for clients that have gone.

To learn that a client has gone, somebody has to wait for it, and one more task for each request would cost more than
most requests do. So requests are only noted here, and once a second those that have been running for longer get
someone who waits. A command is never noted: it goes on to its commit.
"""

import asyncio
from time import perf_counter
from typing import Any, Final, Literal

from headwater.http.request import Request

LOOK_SECONDS: Final = 1.0

Why = Literal["gone", "ending"]


class Watch:
    """`running` holds the requests being answered that may be stopped; whoever answers adds and discards them."""

    def __init__(self) -> None:
        self.running: set[Request] = set()
        self._waiters: dict[Request, asyncio.Task[None]] = {}
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

    def forget(self, request: Request) -> None:
        """The request has been answered, or stopped."""
        self.running.discard(request)
        if self._waiters and (waiter := self._waiters.pop(request, None)) is not None:
            waiter.cancel()
        if self._stopped:
            self._stopped.pop(request, None)

    def stop_all(self) -> None:
        """Stop every request that is noted."""
        for request in list(self.running):
            self._stop(request, "ending")

    def why_stopped(self, request: Request) -> Why | None:
        """Why a request was stopped; None if it was not stopped here."""
        return self._stopped.get(request)

    def statistics(self) -> dict[str, Any]:
        """Requests that may be stopped, and those whose client is waited for."""
        return {"running": len(self.running), "watched": len(self._waiters)}

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            since = perf_counter() - LOOK_SECONDS
            for request in list(self.running):
                if request.started < since and request not in self._waiters and _needs_no_more(request):
                    self._waiters[request] = asyncio.create_task(self._wait_until_gone(request))

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
