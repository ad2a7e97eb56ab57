"""The options of a route, as `App.query` and `App.command` take them.

Each is a field of `Route`, which says what it is when it is left out.
"""

from typing import Literal, TypedDict


class Options(TypedDict, total=False):
    """What every route can say."""

    status: int
    """Of an answer that is no Response of its own; 200, or 204 without content."""
    summary: str | None
    """The operation's line in the documentation, by default the first of the handler's docstring."""
    hidden: bool
    """Keep it out of the documentation."""
    quiet: bool
    """Keep it out of the access log when it succeeds."""


class QueryOptions(Options, total=False):
    """What a route that reads can say."""


class CommandOptions(Options, total=False):
    """What a route that writes can say."""

    location: str | None
    """Template of the Location header, filled from the answer's fields: ``"/orders/{id}"``."""
    idempotency: Literal["none", "optional", "required"]
    """Whether an Idempotency-Key is ignored, honoured or demanded; by default honoured."""
