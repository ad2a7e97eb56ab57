"""A client that calls an ASGI application in this process, without a socket or a server."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar, overload
from urllib.parse import unquote

import msgspec

from headwater.http.message.headers import Headers
from headwater.http.serving.lifespan import AsgiApp, Lifespan

T = TypeVar("T")

ABSENT: Final = object()


class Reply(msgspec.Struct, frozen=True):
    """The response. `complete` is False if the application aborted the body, as it does for a failing stream."""

    status: int
    headers: Headers
    body: bytes
    complete: bool = True

    @property
    def text(self) -> str:
        """The body, decoded as UTF-8."""
        return self.body.decode()

    @overload
    def json(self) -> Any: ...

    @overload
    def json(self, kind: type[T]) -> T: ...

    def json(self, kind: Any = Any) -> Any:
        """The body as JSON, of type `kind`; raises `msgspec.DecodeError`."""
        return msgspec.json.decode(self.body, type=kind)


class Client:
    """``async with Client(app) as client`` starts and stops the application's lifespan, as a server does.

    `headers` are sent with every request. An exception that the application raises before its response is raised here.
    """

    def __init__(self, app: AsgiApp, *, headers: Mapping[str, str] | None = None) -> None:
        self._app = app
        self._headers = _lower(headers)
        self._lifespan = Lifespan(app)

    async def __aenter__(self) -> Self:
        await self._lifespan.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lifespan.stop()

    async def get(self, path: str, **options: Any) -> Reply:
        return await self.request("GET", path, **options)

    async def head(self, path: str, **options: Any) -> Reply:
        return await self.request("HEAD", path, **options)

    async def options(self, path: str, **options: Any) -> Reply:
        return await self.request("OPTIONS", path, **options)

    async def post(self, path: str, **options: Any) -> Reply:
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> Reply:
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> Reply:
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> Reply:
        return await self.request("DELETE", path, **options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = ABSENT,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Reply:
        """Send a request and wait for the complete response. `path` is escaped as in a URL and may have a query.

        `json` is encoded as the body by msgspec; `body` is sent unchanged. `idempotency_key` is sent in quotes as the
        Idempotency-Key header.
        """
        fields = {"host": "testserver", "user-agent": "headwater-client", **self._headers, **_lower(headers)}
        if idempotency_key is not None:
            fields["idempotency-key"] = f'"{idempotency_key}"'
        if json is not ABSENT:
            body = msgspec.json.encode(json)
            fields = {"content-type": "application/json", **fields}
        if body:
            fields["content-length"] = str(len(body))
        exchange = _Exchange(body)
        scope = _scope(method, path, fields, self._lifespan.state)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            if exchange.status is None:
                raise
        return exchange.reply()


class _Exchange:
    """One request and its response, from the server's side of ASGI."""

    def __init__(self, body: bytes) -> None:
        self.status: int | None = None
        self._messages = [{"type": "http.request", "body": body, "more_body": False}]
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._done = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._messages:
            return self._messages.pop()
        await self._done.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._fields = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                self._done.set()

    def reply(self) -> Reply:
        assert self.status is not None, "the application sent no response"
        return Reply(self.status, Headers(self._fields), b"".join(self._pieces), self._done.is_set())


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _scope(method: str, target: str, fields: Mapping[str, str], state: dict[str, Any]) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()],
        "client": ("127.0.0.1", 12345),
        "server": ("testserver", 80),
        "state": dict(state),
    }
