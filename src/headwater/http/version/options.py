"""The version options of a route."""

from typing import TypedDict

from headwater.http.route.option import Option


class VersionOption(Option, frozen=True, kw_only=True):
    """The range of versions that have a route."""

    since: str | None = None
    """The first version of the API that has the route; by default the oldest."""
    until: str | None = None
    """The last version of the API that has the route; by default the newest."""


class VersionOptions(TypedDict, total=False):
    """Options of every route."""

    since: str | None
    """The first version of the API that has the route."""
    until: str | None
    """The last version of the API that has the route."""
