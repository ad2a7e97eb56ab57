"""The options of conditional requests and caching."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypedDict

from headwater.http.route.option import Option


class ConditionOption(Option, frozen=True, kw_only=True):
    """Validators and preconditions of a route."""

    etag: bool | str = False
    """True for a digest of the response; or the name of the response field that changes with the resource, its
    revision."""
    last_modified: str | None = None
    """The name of the response field with the time of the last change."""
    cache_control: str | None = None
    """Cache-Control of a query's successful responses; by default ``private, no-cache`` with an ETag or
    Last-Modified."""
    current: Callable[..., Any] | None = None
    """Finds and locks what a command changes, for If-Match and the like. It is bound like the handler and runs before
    it in the same transaction. It returns None if the resource does not exist yet."""
    if_match: Literal["optional", "required"] = "optional"
    """Whether a command without If-Match is executed, or refused with 428."""

    @property
    def validated(self) -> bool:
        """Whether responses have validators."""
        return bool(self.etag) or self.last_modified is not None


class ValidatorOptions(TypedDict, total=False):
    """Options of every route."""

    etag: bool | str
    """True for a digest of the response, or the name of the field that is its revision."""
    last_modified: str | None
    """The name of the field with the time of the last change."""


class CachingOptions(TypedDict, total=False):
    """Options of queries."""

    cache_control: str | None
    """Cache-Control of successful responses; by default ``private, no-cache`` with an ETag or a Last-Modified."""


class PreconditionOptions(TypedDict, total=False):
    """Options of commands."""

    current: Callable[..., Awaitable[Any]] | None
    """Finds and locks what the command changes, for If-Match: ``async def lock_task(tx: Tx, id: UUID) -> Task``."""
    if_match: Literal["optional", "required"]
    """Whether If-Match is optional or required."""
