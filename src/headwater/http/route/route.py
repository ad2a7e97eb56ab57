"""A route: what is asked for, and the function that answers it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NoReturn

import msgspec

from headwater.http.limit.declaration import Limit
from headwater.http.message.request import Request
from headwater.http.route.errors import OptionInvalid, PathInvalid

_PLACEHOLDER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}", re.IGNORECASE | re.ASCII)
_LITERAL: Final = re.compile(r"[\w.~!$&'()*+,;=:@-]+", re.ASCII)  # pchar of RFC 3986 without its escapes


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method and path, declared by an app."""

    method: str
    path: str
    """``/orders/{id}``: each segment is literal or one parameter, whose type is the handler's annotation."""
    handler: Callable[..., Any]
    verb: Literal["query", "command"] = "query"
    app: str = "headwater"
    status: int = 200
    """Of an answer that is no Response of its own; a handler that returns None answers 204."""
    idempotency: Literal["none", "optional", "required"] = "none"
    location: str | None = None
    """Template of the Location header, filled from the answer's fields: ``/orders/{id}``."""
    limits: Sequence[Limit] | None = None
    """Rate limits; by default those of the whole backend."""
    cost: int | Callable[[Request], int] = 1
    """How much of its limits a request uses up."""
    etag: bool | str = False
    """True: a digest of the answer; or the field of the answer that changes whenever the resource does: a revision."""
    last_modified: str | None = None
    """The field of the answer that holds when the resource last changed."""
    cache_control: str | None = None
    """Of a query's successful answers; by default ``private, no-cache`` where there is an ETag or Last-Modified."""
    current: Callable[..., Any] | None = None
    """Finds and locks what a command is about to change, for If-Match and the like: bound as the handler is, and run
    before it in the same transaction. It returns None where there is nothing yet."""
    if_match: Literal["optional", "required"] = "optional"
    """Whether a command without If-Match is run, or refused with 428."""
    upload_limit: int | None = None
    """Bytes that an upload may have; by default 64 MiB."""
    media_types: Sequence[str] = ()
    """What an upload may be, ``("image/*", "application/pdf")``; by default anything."""
    compress: bool = True
    """Encode large answers for clients that take that. Not for a secret beside something that the request says."""
    uploads: tuple[str, str] | None = None
    """Of a resumable upload: the path where it was declared, and which of its steps this is."""
    body_limit: int | None = None
    """Bytes that a body may have; by default the setting's."""
    scopes: tuple[str, ...] = ()
    """What a credential must allow to come in: ``("tasks:write",)``."""
    answers: Mapping[int, str] = {}
    """For the documentation: the other statuses that a Response or a Problem of the handler can have, and when."""
    summary: str | None = None
    """One line for the documentation; by default the first of the handler's docstring."""
    hidden: bool = False
    """Not in the OpenAPI document."""
    since: str | None = None
    """The first version of the API that has the route; by default the oldest."""
    until: str | None = None
    """The last version of the API that has the route; by default the newest."""
    concurrency: int | None = None
    """Requests that are worked on at once in each process; by default any number."""
    deadline: float | None = None
    """Seconds that a request may take, 0 for any; by default the setting's, and for an upload any."""
    vital: bool = False
    """Answered however loaded the process is: health, documentation."""
    quiet: bool = False
    """Not in the access log when it succeeds; for what is asked every second."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def name(self) -> str:
        """The handler's name: the command's name in events, the operation's in the OpenAPI document."""
        return getattr(self.handler, "__name__", type(self.handler).__name__)

    @property
    def place(self) -> str:
        """Where the handler is written, for messages."""
        module = getattr(self.handler, "__module__", "?")
        return f"{module}.{getattr(self.handler, '__qualname__', self.name)}"


def segments_of(route: Route) -> tuple[str, ...]:
    """The path cut at its slashes; raises `PathInvalid`."""
    if not route.path.startswith("/"):
        raise _invalid(route, "it does not begin with a slash")
    segments = tuple(route.path[1:].split("/"))
    for segment in segments:
        if "{" in segment or "}" in segment:
            if not _PLACEHOLDER.fullmatch(segment):
                raise _invalid(route, f"the segment {segment!r} is neither literal nor one whole {{parameter}}")
        elif segment and not _LITERAL.fullmatch(segment):
            raise _invalid(route, f"the segment {segment!r} has characters that a URL would escape")
    if "" in segments[:-1]:
        raise _invalid(route, "it has an empty segment")
    names = names_of(segments)
    if len(names) != len(set(names)):
        raise _invalid(route, "a parameter appears twice")
    return segments


def names_of(segments: tuple[str, ...]) -> tuple[str, ...]:
    """The parameters among the segments, in their order."""
    return tuple(segment[1:-1] for segment in segments if segment.startswith("{"))


def _invalid(route: Route, reason: str) -> PathInvalid:
    return PathInvalid(route=route, handler=route.place, reason=reason)


def refuse_option(route: Route, option: str, reason: str) -> NoReturn:
    """Raise the `OptionInvalid` of this route."""
    raise OptionInvalid(route=route, handler=route.place, option=option, reason=reason)
