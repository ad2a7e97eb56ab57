"""A mount: another ASGI application under a prefix, with its own lifespan and its own errors.

As the ASGI specification has it, `path` stays whole and `root_path` grows by the prefix. The application answers for
itself, 404 included; ours are the request id, the metrics, the access log, and a 500 if it raises before it answers.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from headwater.http.message.answer import Fields
from headwater.http.route.errors import HttpError
from headwater.http.serving.lifespan import AsgiApp, Lifespan
from headwater.http.serving.meter import Meter, labels_of

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]


class PrefixInvalid(HttpError):
    """{prefix!r} is not a valid mount prefix: write `/admin`, or `/` for everything without a route."""


class Mount:
    """An application at a prefix."""

    __slots__ = ("app", "label", "labels", "lifespan", "prefix", "series")

    quiet = overridable = False
    fields: Fields = []  # noqa: RUF012 - its answers are not ours

    def __init__(self, prefix: str, app: AsgiApp, meter: Meter) -> None:
        if not prefix.startswith("/") or (prefix != "/" and prefix.endswith("/")):
            raise PrefixInvalid(prefix=prefix)
        self.prefix = "" if prefix == "/" else prefix
        self.label = f"{self.prefix}/*"
        self.labels = labels_of("any", self.label)
        self.series = meter.register(self.labels)
        self.app = app
        self.lifespan = Lifespan(app)

    def takes(self, path: str) -> bool:
        """Whether a path is the prefix or lies below it."""
        return path.startswith(self.prefix) and path[len(self.prefix) : len(self.prefix) + 1] in ("", "/")

    async def serve(self, scope: Scope, receive: Any, send: Send) -> None:
        """Hand a request or WebSocket over."""
        root = scope.get("root_path", "") + self.prefix
        await self.app({**scope, "root_path": root, "state": dict(self.lifespan.state)}, receive, send)


def sort_mounts(mounts: list[Mount]) -> list[Mount]:
    """The longest prefix first, which is the one that takes a path."""
    return sorted(mounts, key=lambda mount: len(mount.prefix), reverse=True)


class SendRecorder:
    """Passes messages to the server, adds the request id and the `beside` fields that an answer lacks, and knows how
    far the answer is."""

    __slots__ = ("_beside", "_field", "_send", "size", "status")

    def __init__(self, send: Send, request_id: str, beside: Fields) -> None:
        self._send = send
        self._beside = beside
        self._field = (b"x-request-id", request_id.encode())
        self.status = 0
        self.size = 0

    @property
    def started(self) -> bool:
        return self.status != 0

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [field for field in message.get("headers", ()) if field[0].lower() != self._field[0]]
            message = {**message, "headers": [*headers, self._field, *self._lacking(headers)]}
        elif message["type"] == "http.response.body":
            self.size += len(message.get("body", b""))
        await self._send(message)

    def _lacking(self, headers: Iterable[tuple[bytes, bytes]]) -> Fields:
        """Vary is no single field: what an answer depends on adds up."""
        there = {field[0].lower() for field in headers if field[0].lower() != b"vary"}
        return [field for field in self._beside if field[0] not in there]
