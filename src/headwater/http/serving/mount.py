"""A mount: another ASGI application under a prefix, with its own lifespan and its own errors.

By the ASGI specification, `path` stays whole and `root_path` is extended by the prefix. The application sends its own
responses, including 404. We add the request id, metrics, the access log, and a 500 if it raises before it responds.
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
    fields: Fields = []  # noqa: RUF012 - its responses are not ours

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
        """Whether a path is the prefix or is below it."""
        return path.startswith(self.prefix) and path[len(self.prefix) : len(self.prefix) + 1] in ("", "/")

    async def serve(self, scope: Scope, receive: Any, send: Send) -> None:
        """Pass a request or a WebSocket to the application."""
        root = scope.get("root_path", "") + self.prefix
        await self.app({**scope, "root_path": root, "state": dict(self.lifespan.state)}, receive, send)


def sort_mounts(mounts: list[Mount]) -> list[Mount]:
    """The mounts with the longest prefix first: it takes precedence."""
    return sorted(mounts, key=lambda mount: len(mount.prefix), reverse=True)


class SendRecorder:
    """Forwards messages to the server, adds the request id and those of the `beside` fields that are missing, and
    records the status and the size of the response."""

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
        """The missing fields; Vary is always added, because its values add up."""
        there = {field[0].lower() for field in headers if field[0].lower() != b"vary"}
        return [field for field in self._beside if field[0] not in there]
