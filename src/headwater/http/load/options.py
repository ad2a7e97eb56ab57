"""What a route says of the load that it may be."""

from typing import TypedDict

from headwater.http.route.option import Option


class LoadOption(Option, frozen=True, kw_only=True):
    """How many requests, for how long, and how large."""

    concurrency: int | None = None
    """Requests that are worked on at once in each process; by default any number."""
    deadline: float | None = None
    """Seconds that a request may take, 0 for any; by default the setting's, and for an upload any."""
    body_limit: int | None = None
    """Bytes that a body may have; by default the setting's."""
    vital: bool = False
    """Answered however loaded the process is: health, metrics, documentation."""


class LoadOptions(TypedDict, total=False):
    """What every route can say."""

    concurrency: int | None
    """Requests that are worked on at once in each process; others wait for a moment, or are answered with 503."""
    deadline: float | None
    """Seconds that a request may take, else 504; 0 for any, by default ``HEADWATER_DEADLINE_SECONDS``."""
    body_limit: int | None
    """Bytes that a body may have; by default ``HEADWATER_BODY_LIMIT``."""
