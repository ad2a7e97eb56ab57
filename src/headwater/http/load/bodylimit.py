"""The body limit of a route."""

from collections.abc import Awaitable

from msgspec import structs

from headwater.binding import Services
from headwater.http.load.options import LoadOption
from headwater.http.message.answer import Answer
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.route.route import Route, refuse_option
from headwater.http.step.operation import Operation


def body_limit_of(route: Route) -> int | None:
    """The body limit of a route in bytes, None if it sets none; raises `OptionInvalid`."""
    limit = route.option(LoadOption).body_limit
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        refuse_option(route, f"body_limit={limit!r}", "it must be a number of bytes, at least 1")
    return limit


def with_body_limit(call: Call, limit: int, operation: Operation, services: Services) -> Call:
    """The call with the route's body limit instead of HEADWATER_BODY_LIMIT."""

    def call_limited(request: Request) -> Awaitable[Answer]:
        request.body_limits = structs.replace(request.body_limits, bytes=limit)
        return call(request)

    return call_limited
