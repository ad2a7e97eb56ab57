"""A request. Its parts are parsed only when they are used."""

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Final

import msgspec

from headwater.http.message.answer import Fields
from headwater.http.message.body import BodyLimits, Receive, read_body
from headwater.http.message.csrftoken import token_of
from headwater.http.message.headers import Headers
from headwater.http.message.principal import Principal
from headwater.http.message.target import QueryFields, query_fields
from headwater.http.message.tracing import new_id, new_traceparent, request_id_of, traceparent_of

NO_VALUES: Final = ()


class Request:
    """A parameter of this type receives the request.

    `id` is the request's identifier and `trace` its trace id, 32 hexadecimal digits. `principal` is the principal on
    routes that authenticate; `session` is then the secret of its session cookie, None for another credential. `version`
    is the version of the API that serves it, None if the backend has none. `variant` is the form of the response, part
    of its ETag; see `add_variant`.
    """

    __slots__ = (
        "_headers",
        "_query",
        "_state",
        "_traceparent",
        "added",
        "body_limits",
        "fields",
        "held",
        "id",
        "making",
        "method",
        "path",
        "path_values",
        "principal",
        "provided",
        "raw_body",
        "receive",
        "scope",
        "session",
        "started",
        "task",
        "trace",
        "variant",
        "version",
    )

    id: str
    trace: str
    principal: Principal | None
    session: str | None
    provided: list[Any]
    making: Any
    task: asyncio.Task[Any] | None
    held: list[Callable[[], None]] | None
    _traceparent: str | None

    def __init__(
        self, scope: MutableMapping[str, Any], receive: Receive, limits: BodyLimits, started: float = 0.0
    ) -> None:
        self.scope = scope
        self.receive = receive
        self.body_limits = limits
        self.started = started
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.path_values: Sequence[Any] = NO_VALUES
        self.principal = self.session = self.task = self.held = self.making = self._traceparent = None
        self.version: str | None = None
        self.added: Fields | None = None
        self.variant: bytes = b""
        self.raw_body: bytes | None = None
        self._query: QueryFields | None = None
        self._headers: Headers | None = None
        self._state: dict[Any, Any] | None = None
        fields = self.fields = dict(scope["headers"])
        if b"x-request-id" in fields or b"traceparent" in fields:
            self._take_ids()
        else:
            self.id = self.trace = new_id()

    @property
    def traceparent(self) -> str:
        """The traceparent to propagate: that of the request, or a new one."""
        if self._traceparent is None:
            self._traceparent = new_traceparent(self.trace)
        return self._traceparent

    @property
    def headers(self) -> Headers:
        """The headers, by case-insensitive name."""
        if self._headers is None:
            self._headers = Headers(self.scope["headers"])
        return self._headers

    @property
    def query(self) -> QueryFields:
        """The values of each query parameter, in order; raises a `Problem` if the query string is malformed."""
        if self._query is None:
            self._query = query_fields(self.scope["query_string"])
        return self._query

    @property
    def state(self) -> dict[Any, Any]:
        """What capabilities keep of a request, each under a type of its own."""
        if self._state is None:
            self._state = {}
        return self._state

    @property
    def client(self) -> str | None:
        """The address of the client."""
        client = self.scope.get("client")
        return client[0] if client else None

    @property
    def target(self) -> str:
        """The raw path, still percent-encoded, without the query string."""
        raw = self.scope.get("raw_path")
        return raw.decode("latin-1") if raw is not None else self.path

    @property
    def keeps_connection(self) -> bool:
        """Whether the connection stays open unless Connection: close is sent (RFC 9112)."""
        return self.scope["http_version"] in ("1.0", "1.1")

    async def body(self) -> bytes:
        """The raw body, read once within the limits; raises a `Problem` 413 or 408."""
        if self.raw_body is None:
            self.raw_body = await read_body(self.receive, self.fields.get(b"content-length"), self.body_limits)
        return self.raw_body

    async def json(self) -> Any:
        """The body decoded as JSON, as plain values; raises `msgspec.DecodeError`."""
        return msgspec.json.decode(await self.body())

    @property
    def csrf_token(self) -> str | None:
        """The token that a page of ours must send as X-CSRF-Token with each request that changes something.

        It is different each time, and valid for the whole session. None without a session cookie.
        """
        return token_of(self.session) if self.session is not None else None

    def add(self, name: bytes, value: bytes) -> None:
        """Add a header field, its name in lower case, to the response of this request, even if that is a problem."""
        if self.added is None:
            self.added = []
        self.added.append((name, value))

    def hold(self, let_go: Callable[[], None]) -> None:
        """Call `let_go` when the request has ended, however it ends."""
        if self.held is None:
            self.held = []
        self.held.append(let_go)

    def add_variant(self, part: bytes) -> None:
        """Declare a variant of the response, other bytes of the same state: ``v1``, or a selection of fields.

        Call it before the response is rendered. `part` consists of letters, digits, ``-``, ``_`` and ``.``, and is not
        the name of a content coding.
        """
        self.variant = self.variant + b"+" + part if self.variant else part

    def count(self, name: bytes) -> int:
        """How often a header occurs."""
        fields = self.scope["headers"]
        return int(name in self.fields) if len(fields) == len(self.fields) else [n for n, _ in fields].count(name)

    def _take_ids(self) -> None:
        parent, given = self.fields.get(b"traceparent"), self.fields.get(b"x-request-id")
        if parent is not None and self.count(b"traceparent") == 1:
            self._traceparent = traceparent_of(parent)
        self.trace = self._traceparent[3:35] if self._traceparent is not None else new_id()
        is_new = self._traceparent is None
        self.id = (request_id_of(given) if given is not None else None) or (self.trace if is_new else new_id())
