"""What a route says of its rate limits."""

from collections.abc import Callable, Sequence
from typing import TypedDict

from headwater.http.limit.declaration import Limit
from headwater.http.message.request import Request
from headwater.http.route.option import Option


class LimitOption(Option, frozen=True, kw_only=True):
    """The limits of a route, and what a request costs."""

    limits: Sequence[Limit] | None = None
    """Rate limits; by default those of the whole backend."""
    cost: int | Callable[[Request], int] = 1
    """How much of its limits a request uses up."""


class LimitOptions(TypedDict, total=False):
    """What every route can say."""

    limits: Sequence[Limit] | None
    """Rate limits, instead of those of the whole backend; ``()`` for none."""
    cost: int | Callable[[Request], int]
    """How much of its limits a request uses up: a number, or a function of the request."""
