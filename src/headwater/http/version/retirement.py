"""Retirement: the header fields of a deprecated version, and its end.

``Deprecation: @<unix time>`` (RFC 9745), ``Sunset: <HTTP-date>`` (RFC 8594), and links (RFC 8288) to what to do
(``deprecation``, ``sunset``) and to the same resource in the version to go to (``successor-version``, RFC 5829). From
the sunset on every response is a 410, which has them as well.
"""

from collections.abc import Callable, Sequence
from email.utils import format_datetime
from typing import Final
from urllib.parse import quote, unquote_plus

from headwater.clock import Clock
from headwater.http.endpoint import Endpoint, calling
from headwater.http.message.answer import Answer, Fields
from headwater.http.message.problemtype import VERSION_GONE
from headwater.http.message.request import Request
from headwater.http.version.declaration import Deprecated, Versions
from headwater.http.version.edition import Edition
from headwater.http.version.naming import QUERY, segment_of
from headwater.http.version.usage import Usage

_SAFE: Final = "%/?:@!$&'()*+,;=-._~"

Successor = Callable[[Request], str]
"""Where the same resource is in the version to go to."""


def retire(
    edition: Edition,
    endpoints: Sequence[Endpoint],
    successor: Edition,
    versions: Versions,
    clock: Clock,
    usage: Usage,
) -> list[Endpoint]:
    """The endpoints of a deprecated edition, with its fields and its end."""
    retirement = _Retirement(edition, versions, clock, usage)
    return [retirement.of(each, linked=successor.has(each.route)) for each in endpoints]


def retire_unmatched(edition: Edition, unmatched: Endpoint, versions: Versions, clock: Clock, usage: Usage) -> Endpoint:
    """The unmatched endpoint of a deprecated edition, with its fields and its end."""
    return _Retirement(edition, versions, clock, usage).of(unmatched, linked=False)


def deprecation_fields(deprecated: Deprecated) -> Fields:
    """The header fields that are the same for every response."""
    fields = [(b"deprecation", b"@%d" % deprecated.since.timestamp())]
    if deprecated.until is not None:
        fields.append((b"sunset", format_datetime(deprecated.until, usegmt=True).encode()))
    if deprecated.link is not None:
        relations = ["deprecation"] + (["sunset"] if deprecated.until is not None else [])
        fields += [(b"link", f'<{deprecated.link}>; rel="{each}"; type="text/html"'.encode()) for each in relations]
    return fields


class _Retirement:
    """Wraps the endpoints of one edition."""

    def __init__(self, edition: Edition, versions: Versions, clock: Clock, usage: Usage) -> None:
        assert edition.deprecated is not None, "only what is deprecated retires"
        assert edition.successor is not None, "what is deprecated has a successor"
        self._name = edition.name
        self._fields = deprecation_fields(edition.deprecated)
        self._until = edition.deprecated.until
        self._successor = edition.successor
        self._locate = _successor_of(versions, edition.successor)
        self._clock = clock
        self._usage = usage

    def of(self, endpoint: Endpoint, linked: bool) -> Endpoint:
        """The same endpoint; `linked` if the successor has the same resource."""
        answer, label = endpoint.call, endpoint.label
        locate = self._locate if linked else None

        async def call(request: Request) -> Answer:
            for field in self._fields:
                request.add(*field)
            if locate is not None:
                request.add(b"link", f'<{locate(request)}>; rel="successor-version"'.encode())
            try:
                if self._until is not None and self._clock.now() >= self._until:
                    raise VERSION_GONE.problem(
                        f"Version {self._name} ended on {self._until:%Y-%m-%d}; use version {self._successor}.",
                        successor=self._successor,
                    )
                return await answer(request)
            finally:
                self._usage.add(request.principal, label, request.id)

        return calling(endpoint, call)


def _successor_of(versions: Versions, successor: str) -> Successor | None:
    """None if no URL says which version is meant."""
    if "uri" in versions.by:
        return lambda request: _in_path(request, successor)
    if "query" in versions.by:
        return lambda request: _in_query(request, successor)
    return None


def _in_path(request: Request, successor: str) -> str:
    """The version's segment is the last of the root path if it came in the path; else it is put behind the root."""
    root = request.scope.get("root_path") or ""
    own = f"/{segment_of(request.version or '')}"
    outer = root.removesuffix(own) if request.version is not None else root
    rest = request.target.removeprefix(root) if request.target.startswith(root) else request.target
    query = request.scope["query_string"].decode("latin-1")
    return quote(f"{outer}/{segment_of(successor)}{rest}", safe=_SAFE) + (
        f"?{quote(query, safe=_SAFE)}" if query else ""
    )


def _in_query(request: Request, successor: str) -> str:
    """The same URL with the other version in the place of its own, or at the end."""
    pairs = request.scope["query_string"].decode("latin-1").split("&")
    kept = [pair for pair in pairs if pair and unquote_plus(pair.partition("=")[0]) != QUERY]
    query = "&".join([*(quote(pair, safe=_SAFE) for pair in kept), f"{QUERY}={quote(successor)}"])
    return f"{quote(request.target, safe=_SAFE)}?{query}"
