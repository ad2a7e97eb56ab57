"""Static content: created once, and revalidated by its ETag."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from headwater.http.limit.options import LimitOption
from headwater.http.load.options import LoadOption
from headwater.http.message.condition import Validators, conditions_of, evaluate
from headwater.http.message.etag import digest_of
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.http.route.route import Route

_REVALIDATED: Final = {"Cache-Control": "no-cache"}


def static_route(
    path: str, content: Callable[[], bytes], media_type: str, headers: Mapping[str, str] | None = None
) -> Route:
    """A hidden route; `content` is called at the first request."""

    @cache
    def made() -> tuple[Response, Validators]:
        body = content()
        validators = Validators(digest_of(body))
        fields = {**(headers or {}), **_REVALIDATED, "ETag": (validators.etag or b"").decode()}
        return Response(body, media_type=media_type, headers=fields), validators

    async def show(request: Request) -> Response:
        response, validators = made()
        conditions = conditions_of(request)
        if conditions is not None and evaluate(conditions, validators, "query") is not None:
            return Response(status=304, headers={**_REVALIDATED, "ETag": (validators.etag or b"").decode()})
        return response

    options = (LimitOption(limits=()), LoadOption(vital=True))
    return Route(method="GET", path=path, handler=show, hidden=True, options=options)
