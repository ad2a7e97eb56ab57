"""What a route says of the load that it may be."""

from typing import TypedDict

from headwater.http.route.option import Option


class LoadOption(Option, frozen=True, kw_only=True):
    """The load limits of a route."""

    concurrency: int | None = None
    """Concurrent requests per process; unlimited by default."""
    deadline: float | None = None
    """Seconds that a request may take, 0 for no deadline; by default HEADWATER_DEADLINE_SECONDS, and none for
    uploads."""
    body_limit: int | None = None
    """Maximum bytes of a body; by default HEADWATER_BODY_LIMIT."""
    vital: bool = False
    """Served under any load: health, metrics, documentation."""


class LoadOptions(TypedDict, total=False):
    """Options of every route."""

    concurrency: int | None
    """Concurrent requests per process; others wait for up to a second, and then get 503."""
    deadline: float | None
    """Seconds that a request may take, then 504; 0 for no deadline; by default ``HEADWATER_DEADLINE_SECONDS``."""
    body_limit: int | None
    """Maximum bytes of a body; by default ``HEADWATER_BODY_LIMIT``."""
