"""The limit of a route's own on the bytes of a body."""

from collections.abc import Awaitable

from msgspec import structs

from headwater.http.message.answer import Answer
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.route.route import Route, refuse_option


def with_body_limit(route: Route, call: Call) -> Call:
    """The same with the route's limit instead of the setting's; raises `OptionInvalid` for none that can be."""
    limit = route.body_limit
    if not isinstance(limit, int) or limit < 1:
        option, reason = f"body_limit={limit!r}", "it is a number of bytes, at least 1"
        refuse_option(route, option, reason)

    def call_limited(request: Request) -> Awaitable[Answer]:
        request.body_limits = structs.replace(request.body_limits, bytes=limit)
        return call(request)

    return call_limited
