"""The runtime of every generated client; its source is copied, and each ``# ~`` line replaced by a generated part."""

from __future__ import annotations

import datetime as dt
from asyncio import sleep
from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
from random import uniform
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2
import msgspec

# ~ imports


class Client:
    # ~ client

    def __init__(
        self,
        base_url: str = "",
        *,
        # ~ credentials
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        longest_wait: float = 60.0,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        fields = dict(headers or {})
        # ~ fields
        self._http = http or httpx2.AsyncClient(base_url=base_url, timeout=timeout)
        self._http.headers.update(fields)
        self._retries = retries
        self._longest_wait = longest_wait

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # ~ methods

    async def _send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The response, after retries; raises an `ApiProblem` for an error response."""
        request = _Request(self._http, method, path, **options)
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                answer = await self._http.send(request.build())
            except httpx2.TransportError as error:
                if last or not request.may_repeat(error):
                    raise
                wait = _backoff(attempt)
            else:
                request.note(answer)
                if answer.status_code < 400:
                    return answer
                problem = _problem_of(answer.status_code, answer.content, answer.headers)
                wait = max(problem.retry_after or 0.0, _backoff(attempt))
                if last or wait > self._longest_wait or not request.may_repeat(problem):
                    raise problem
            await sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _stream(self, method: str, path: str, kind: Any, **options: Any) -> AsyncIterator[Any]:
        """Each item as it arrives; raises an `ApiProblem`, also if the stream breaks off."""
        request = _Request(self._http, method, path, **options)
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                answer = await self._http.send(request.build(), stream=True)
            except httpx2.TransportError as error:
                if last or not request.may_repeat(error):
                    raise
                await sleep(_backoff(attempt))
                continue
            try:
                request.note(answer)
                if answer.status_code < 400:
                    async for item in _items(answer, kind):
                        yield item
                    return
                problem = _problem_of(answer.status_code, await answer.aread(), answer.headers)
            finally:
                await answer.aclose()
            wait = max(problem.retry_after or 0.0, _backoff(attempt))
            if last or wait > self._longest_wait or not request.may_repeat(problem):
                raise problem
            await sleep(wait)


class Receipt:
    """Pass it to a method to get the status and headers of the response: ``receipt.headers["etag"]``."""

    def __init__(self) -> None:
        self.status = 0
        self.headers = httpx2.Headers()

    @property
    def request_id(self) -> str | None:
        """The id of the request, to quote in a support request."""
        return self.headers.get("x-request-id")

    @property
    def replayed(self) -> bool:
        """Whether this is the stored response to an earlier request with the same idempotency key."""
        return self.headers.get("idempotent-replayed") == "true"


# ~ schemas


class InputError(msgspec.Struct, frozen=True):
    """One error in a request: at a JSON pointer into its body, or in one of its parameters."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    where: str | None = msgspec.field(name="in", default=None)


class ApiProblem(Exception):
    """An error response (problem details, RFC 9457)."""

    def __init__(self, status: int, members: Mapping[str, Any], headers: httpx2.Headers) -> None:
        self.status = status
        self.type = str(members.get("type", "about:blank"))
        self.title = str(members.get("title", status))
        self.detail = members.get("detail")
        self.instance = members.get("instance")
        self.request_id = members.get("request_id", headers.get("x-request-id"))
        self.errors = msgspec.convert(members.get("errors", []), list[InputError])
        """The errors of an invalid request."""
        self.members = members
        """All members, with those of the problem type."""
        self.retry_after = _seconds(headers.get("retry-after"))
        """Seconds to wait before a retry."""
        super().__init__(f"{status} {self.title}" + (f": {self.detail}" if self.detail else ""))


# ~ problems


_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_UNSENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_IN_FLIGHT: Final = 409
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503
_FIRST_WAIT: Final = 0.1


class _Request:
    """One request, the same at each attempt; with an idempotency key it is executed once."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        body: Any = msgspec.UNSET,
        content: tuple[bytes | None, str] | None = None,
        key: str | None = None,
        receipt: Receipt | None = None,
    ) -> None:
        self._http = http
        self._method = method
        self._path = path.removeprefix("/")
        self._query: list[tuple[str, str | int | float | bool | None]] = [*_texts(query or {})]
        self._fields = dict(_texts(headers or {}))
        self._content: bytes | None = None
        self._safe = method in _IDEMPOTENT or key is not None
        self._receipt = receipt
        if key is not None:
            self._fields["Idempotency-Key"] = f'"{key}"'
        if body is not msgspec.UNSET:
            self._content, self._fields["Content-Type"] = msgspec.json.encode(body), "application/json"
        elif content is not None and content[0] is not None:
            self._content, self._fields["Content-Type"] = content[0], content[1]

    def build(self) -> httpx2.Request:
        query, fields = self._query or None, self._fields
        return self._http.build_request(self._method, self._path, params=query, headers=fields, content=self._content)

    def note(self, answer: httpx2.Response) -> None:
        if self._receipt is not None:
            self._receipt.status, self._receipt.headers = answer.status_code, answer.headers

    def may_repeat(self, error: Exception) -> bool:
        """Whether a retry is safe and may succeed."""
        if isinstance(error, ApiProblem):
            if error.status == _TOO_MANY:
                return True
            waits = error.status == _IN_FLIGHT and error.retry_after is not None
            return self._safe and (error.status == _UNAVAILABLE or waits)
        return self._safe or isinstance(error, _UNSENT)


async def _items(answer: httpx2.Response, kind: Any) -> AsyncIterator[Any]:
    """The items of the lines; the last line of a stream that broke off may be a problem."""
    decode, rest = msgspec.json.Decoder(kind).decode, b""
    try:
        async for piece in answer.aiter_bytes():
            *lines, rest = (rest + piece).split(b"\n")
            if lines and not rest:
                rest = lines.pop() + b"\n"
            for line in lines:
                yield decode(line)
    except httpx2.TransportError as error:
        raise _broken(rest, answer) from error
    if rest.strip():
        yield decode(rest)


def _broken(line: bytes, answer: httpx2.Response) -> ApiProblem:
    members = _members(line) if line.endswith(b"\n") else {}
    status = members.get("status", answer.status_code)
    title = {"title": "The stream broke off"}
    return _class_of(status, members)(status, title | members, answer.headers)


def _problem_of(status: int, content: bytes, headers: httpx2.Headers) -> ApiProblem:
    members = _members(content)
    return _class_of(status, members)(status, members, headers)


def _class_of(status: int, members: Mapping[str, Any]) -> type[ApiProblem]:
    return _BY_TYPE.get(str(members.get("type"))) or _BY_STATUS.get(status) or ApiProblem


def _members(content: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _decode(answer: httpx2.Response, kind: Any) -> Any:
    return msgspec.json.decode(answer.content, type=kind)


def _backoff(attempt: int) -> float:
    """Seconds to wait: exponential backoff with full jitter."""
    return uniform(0.0, _FIRST_WAIT * 2**attempt)


def _seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header in either form (RFC 9110 section 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - dt.datetime.now(dt.UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _texts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The given values as strings; each item of a list is a pair of its own."""
    pairs = [(name, value) for name, value in values.items() if value is not None]
    return [(name, _text(each)) for name, value in pairs for each in (value if isinstance(value, list) else [value])]


def _text(value: Any) -> str:
    plain = msgspec.to_builtins(value)
    return ("true" if plain else "false") if isinstance(plain, bool) else str(plain)


def _segment(value: Any) -> str:
    return quote(_text(value), safe="")


def _joined(values: list[Any] | None) -> str | None:
    return None if values is None else ",".join(map(_text, values))


# ~ end

_BY_STATUS: dict[int, type[ApiProblem]] = {}
_BY_TYPE: dict[str, type[ApiProblem]] = {}
