"""The limit of a route's own on the bytes of a body."""

from collections.abc import Awaitable, Callable

from msgspec import structs

from headwater.http.answer import Answer
from headwater.http.errors import OptionInvalid
from headwater.http.request import Request
from headwater.http.route import Route

Call = Callable[[Request], Awaitable[Answer]]


def with_body_limit(route: Route, call: Call) -> Call:
    """The same with the route's limit instead of the setting's; raises `OptionInvalid` for none that can be."""
    limit = route.body_limit
    if not isinstance(limit, int) or limit < 1:
        option, reason = f"body_limit={limit!r}", "it is a number of bytes, at least 1"
        raise OptionInvalid(route=route, handler=route.place, option=option, reason=reason)

    def call_limited(request: Request) -> Awaitable[Answer]:
        request.limits = structs.replace(request.limits, bytes=limit)
        return call(request)

    return call_limited
