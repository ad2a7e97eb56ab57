"""A route: a method, a path, and the handler that serves them."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NoReturn

from msgspec import structs

from headwater.binding.signature import location_of
from headwater.http.route.errors import OptionInvalid, PathInvalid
from headwater.http.route.option import O, Option, option_of
from headwater.part import Declaration

_PLACEHOLDER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}", re.IGNORECASE | re.ASCII)
_LITERAL: Final = re.compile(r"[\w.~!$&'()*+,;=:@-]+", re.ASCII)  # pchar of RFC 3986 without its escapes


class Route(Declaration, frozen=True, kw_only=True):
    """One method and path, declared by an app or a part."""

    method: str
    path: str
    """``/orders/{id}``: each segment is literal or one parameter, whose type is the handler's annotation."""
    handler: Callable[..., Any]
    verb: Literal["query", "command"] = "query"
    app: str = "headwater"
    summary: str | None = None
    """One line for the documentation; by default the first of the handler's docstring."""
    answers: Mapping[int, str] = {}
    """Other statuses that a Response or a Problem of the handler can have, and when; for the documentation."""
    hidden: bool = False
    """Not in the OpenAPI document."""
    options: tuple[Option, ...] = ()
    """At most one record per capability."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def name(self) -> str:
        """The handler's name: the command's name in events, the operation's in the OpenAPI document."""
        return getattr(self.handler, "__name__", type(self.handler).__name__)

    @property
    def location(self) -> str:
        """Where the handler is defined, for messages."""
        return location_of(self.handler)

    @property
    def writes(self) -> bool:
        """Whether it writes in a transaction."""
        return self.verb == "command"

    def option(self, kind: type[O]) -> O:
        """The record of one capability; its defaults if the route does not set it."""
        return option_of(self.options, kind)

    def with_option(self, option: Option) -> "Route":
        """The same route with this record instead of its present one of that capability."""
        others = tuple(each for each in self.options if type(each) is not type(option))
        return structs.replace(self, options=(*others, option))


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
    return PathInvalid(subject=route, handler=route.location, reason=reason)


def refuse_option(route: Route, option: str, reason: str) -> NoReturn:
    """Raise the `OptionInvalid` of this route."""
    raise OptionInvalid(subject=route, handler=route.location, option=option, reason=reason)
