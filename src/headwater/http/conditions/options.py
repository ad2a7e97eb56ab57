"""What a route says about conditional requests and caching."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypedDict

from headwater.http.route.option import Option


class ConditionOption(Option, frozen=True, kw_only=True):
    """What tells the states of a resource apart, and who may change it."""

    etag: bool | str = False
    """True: a digest of the answer; or the field of the answer that changes whenever the resource does: a revision."""
    last_modified: str | None = None
    """The field of the answer that holds when the resource last changed."""
    cache_control: str | None = None
    """Of a query's successful answers; by default ``private, no-cache`` where there is an ETag or Last-Modified."""
    current: Callable[..., Any] | None = None
    """Finds and locks what a command is about to change, for If-Match and the like: bound as the handler is, and run
    before it in the same transaction. It returns None where there is nothing yet."""
    if_match: Literal["optional", "required"] = "optional"
    """Whether a command without If-Match is run, or refused with 428."""

    @property
    def validated(self) -> bool:
        """Whether the answers have validators."""
        return bool(self.etag) or self.last_modified is not None


class ValidatorOptions(TypedDict, total=False):
    """Options of every route."""

    etag: bool | str
    """True for a digest of the answer, or the name of the field that is its revision."""
    last_modified: str | None
    """The name of the field that holds when it last changed."""


class CachingOptions(TypedDict, total=False):
    """What a query can say."""

    cache_control: str | None
    """Of successful answers; by default ``private, no-cache`` where there is an ETag or a Last-Modified."""


class PreconditionOptions(TypedDict, total=False):
    """What a command can say."""

    current: Callable[..., Awaitable[Any]] | None
    """Finds and locks what is to be changed, for If-Match: ``async def lock_task(tx: Tx, id: UUID) -> Task``."""
    if_match: Literal["optional", "required"]
    """Whether If-Match is honoured or demanded."""
