"""The options of a route, as `App.query` and `App.command` take them.

Each is a field of `Route`, which says what it is when it is left out.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from headwater.http.limit.declaration import Limit
from headwater.http.message.request import Request


class Options(TypedDict, total=False):
    """What every route can say."""

    limits: Sequence[Limit] | None
    """Rate limits, instead of those of the whole backend; ``()`` for none."""
    cost: int | Callable[[Request], int]
    """How much of its limits a request uses up: a number, or a function of the request."""
    etag: bool | str
    """True for a digest of the answer, or the name of the field that is its revision."""
    last_modified: str | None
    """The name of the field that holds when it last changed."""
    compress: bool
    """False for an answer with a secret beside something that the request says, which its length would tell."""
    concurrency: int | None
    """Requests that are worked on at once in each process; others wait for a moment, or are answered with 503."""
    deadline: float | None
    """Seconds that a request may take, else 504; 0 for any, by default ``HEADWATER_DEADLINE_SECONDS``."""
    status: int
    """Of an answer that is no Response of its own; 200, or 204 without content."""
    body_limit: int | None
    """Bytes that a body may have; by default ``HEADWATER_BODY_LIMIT``."""
    scopes: tuple[str, ...]
    """What a credential must allow to come in, ``("tasks:write",)``; else 403."""
    answers: Mapping[int, str]
    """Other statuses that its own Responses and Problems can have, and when: ``{302: "Where the link leads."}``."""
    summary: str | None
    """The operation's line in the documentation, by default the first of the handler's docstring."""
    hidden: bool
    """Keep it out of the documentation."""
    since: str | None
    """The first version of the API that has the route."""
    until: str | None
    """The last version of the API that has the route."""
    quiet: bool
    """Keep it out of the access log when it succeeds."""


class QueryOptions(Options, total=False):
    """What a route that reads can say."""

    cache_control: str | None
    """Of successful answers; by default ``private, no-cache`` where there is an ETag or a Last-Modified."""


class UploadsOptions(Options, total=False):
    """What resumable uploads can say."""

    limit: int
    """Bytes that an upload may have; by default 64 MiB."""
    media_types: Sequence[str]
    """What an upload may be: ``("image/*", "application/pdf")``."""


class CommandOptions(Options, total=False):
    """What a route that writes can say."""

    upload_limit: int
    """Bytes that the upload may have."""
    media_types: Sequence[str]
    """What the upload may be: ``("image/*", "application/pdf")``."""

    current: Callable[..., Awaitable[Any]] | None
    """Finds and locks what is to be changed, for If-Match: ``async def lock_task(tx: Tx, id: UUID) -> Task``."""
    if_match: Literal["optional", "required"]
    """Whether If-Match is honoured or demanded."""

    location: str | None
    """Template of the Location header, filled from the answer's fields: ``"/orders/{id}"``."""
    idempotency: Literal["none", "optional", "required"]
    """Whether an Idempotency-Key is ignored, honoured or demanded; by default honoured."""
