"""The response options of a route."""

from typing import TypedDict

from headwater.http.route.option import Option


class ResponseOption(Option, frozen=True, kw_only=True):
    """The status and the Location of a successful response."""

    status: int = 200
    """Status of a response that is not a Response object; a handler that returns None responds with 204."""
    location: str | None = None
    """Template of the Location header, filled from the response's fields: ``/orders/{id}``."""


class StatusOptions(TypedDict, total=False):
    """Response options of every route."""

    status: int
    """Status of a response that is not a Response object; 200, or 204 without content."""


class LocationOptions(TypedDict, total=False):
    """Options of a route that creates a resource."""

    location: str | None
    """Template of the Location header, filled from the response's fields: ``"/orders/{id}"``."""
