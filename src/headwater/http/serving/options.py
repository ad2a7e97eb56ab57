"""The access log option of a route."""

from typing import TypedDict

from headwater.http.route.option import Option


class LogOption(Option, frozen=True, kw_only=True):
    """Whether successes are in the access log."""

    quiet: bool = False
    """Successes are not in the access log; for probes."""


class LogOptions(TypedDict, total=False):
    """Options of every route."""

    quiet: bool
    """Leave successes out of the access log."""
