"""What a route says of its response."""

from typing import TypedDict

from headwater.http.route.option import Option


class ResponseOption(Option, frozen=True, kw_only=True):
    """The status and the Location of a successful response."""

    status: int = 200
    """Of an answer that is not a Response of its own; a handler that returns None answers 204."""
    location: str | None = None
    """Template of the Location header, filled from the answer's fields: ``/orders/{id}``."""


class StatusOptions(TypedDict, total=False):
    """What every route can say of its response."""

    status: int
    """Of an answer that is not a Response of its own; 200, or 204 without content."""


class LocationOptions(TypedDict, total=False):
    """What a route that makes something can say of where it is."""

    location: str | None
    """Template of the Location header, filled from the answer's fields: ``"/orders/{id}"``."""
