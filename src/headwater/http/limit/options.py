"""The rate limit options of a route."""

from collections.abc import Callable, Sequence
from typing import TypedDict

from headwater.http.limit.declaration import Limit
from headwater.http.message.request import Request
from headwater.http.route.option import Option


class LimitOption(Option, frozen=True, kw_only=True):
    """The limits of a route, and the cost of a request."""

    limits: Sequence[Limit] | None = None
    """Rate limits; by default those of the backend."""
    cost: int | Callable[[Request], int] = 1
    """The units that a request costs."""


class LimitOptions(TypedDict, total=False):
    """Options of every route."""

    limits: Sequence[Limit] | None
    """Rate limits instead of those of the backend; ``()`` for none."""
    cost: int | Callable[[Request], int]
    """The units that a request costs: a number, or a function of the request."""
