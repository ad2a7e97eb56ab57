"""What a route says of the access log."""

from typing import TypedDict

from headwater.http.route.option import Option


class LogOption(Option, frozen=True, kw_only=True):
    """Whether it is in the access log."""

    quiet: bool = False
    """Not in the access log when it succeeds; for what is asked every second."""


class LogOptions(TypedDict, total=False):
    """Options of every route."""

    quiet: bool
    """Keep it out of the access log when it succeeds."""
