"""Health: liveness, startup and readiness (the three probes of Kubernetes)."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from headwater.http.compression.options import CompressionOption
from headwater.http.limit.options import LimitOption
from headwater.http.load.options import LoadOption
from headwater.http.message.problemtype import NOT_READY
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.http.route.route import Route
from headwater.http.serving.options import LogOption

Readiness = Callable[[], Awaitable[list[str]]]
"""Returns the reasons why requests cannot be served, as text for people; empty when they can."""


_OPTIONS: Final = (
    CompressionOption(compress=False),
    LimitOption(limits=()),
    LoadOption(vital=True),
    LogOption(quiet=True),
)


class Health:
    """`started` and `draining` are set by the application; `readiness` checks its dependencies."""

    def __init__(self, readiness: Readiness) -> None:
        self.started = False
        self.draining = False
        self._readiness = readiness

    def routes(self) -> list[Route]:
        return [
            _route("/livez", self.live),
            _route("/readyz", self.ready),
            _route("/startupz", self.startup),
        ]

    async def live(self, request: Request) -> Response:
        """Liveness: the process responds; no dependencies are checked."""
        return _answer("live")

    async def ready(self, request: Request) -> Response:
        """Readiness: not while draining, nor while a dependency is missing."""
        missing = ["the process is draining"] if self.draining else await self._readiness()
        if missing:
            raise NOT_READY.problem("The process is not ready for requests.", {"Retry-After": "1"}, missing=missing)
        return _answer("ready")

    async def startup(self, request: Request) -> Response:
        """Whether the process has started."""
        if not self.started:
            raise NOT_READY.problem("The process is still starting.", {"Retry-After": "1"})
        return _answer("started")


def _route(path: str, handler: Callable[..., Awaitable[Response]]) -> Route:
    return Route(method="GET", path=path, handler=handler, hidden=True, options=_OPTIONS)


def _answer(state: str) -> Response:
    body = msgspec.json.encode({"status": state})
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
