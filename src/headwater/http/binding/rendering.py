"""Rendering: from the result of a handler to a response; composed once from the declared return type.

The return type is the schema of the response. None is an empty 204; a `Response` is sent unchanged; an async iterator
becomes JSON lines; everything else is JSON.
"""

import re
import typing
from collections.abc import AsyncIterator, Callable
from operator import attrgetter
from types import UnionType
from typing import Any, Final
from urllib.parse import quote

import msgspec

from headwater.http.binding.options import ResponseOption
from headwater.http.message.answer import Answer, Fields
from headwater.http.message.media import JSON, NDJSON
from headwater.http.message.ndjson import stream_lines
from headwater.http.message.request import Request
from headwater.http.message.response import EMPTY, NOSNIFF
from headwater.http.route.errors import LocationTemplateInvalid, ReturnTypeInvalid
from headwater.http.route.route import Route, refuse_option
from headwater.http.route.signature import Convert, Signature
from headwater.http.types.shape import common_fields

Locate = Callable[[Any, Request], bytes]

ENCODER: Final = msgspec.json.Encoder()

NO_STORE: Final = (b"cache-control", b"no-store")

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


class Rendering(msgspec.Struct, frozen=True, kw_only=True):
    """`returns` is the type that is encoded, None if there is none; `media_type` is its media type.

    `result` is the type that the handler returns; in an older version of the API, `convert` converts it to `returns`.
    `empty`: there is never a body. `validators` are the names of its validator fields, such as ETag.
    """

    status: int
    render: Callable[[Any, Request], Answer]
    returns: Any = None
    result: Any = None
    media_type: str | None = None
    location: Locate | None = None
    convert: Convert | None = None
    empty: bool = False
    validators: tuple[str, ...] = ()


def compile_rendering(route: Route, signature: Signature, fields: Fields | None = None) -> Rendering:
    """`fields` are added to every JSON response. Raises a `RouteError` if the declared type contradicts the route's
    options."""
    if signature.streams:
        return _of_stream(route, signature)
    alternatives = _encoded(signature.returns)
    if not alternatives:
        return _of_response(route, signature)
    if alternatives == [type(None)]:
        return _of_nothing(route, signature)
    return _of_json(route, typing.Union[tuple(alternatives)], signature, fields or [])  # noqa: UP007


async def start_stream(rendering: Rendering, items: AsyncIterator[Any]) -> Answer:
    """The response that streams `items`, once the first item is available."""
    if rendering.convert is not None:
        items = _converted(rendering.convert, items)
    return Answer(rendering.status, [*_fields(NDJSON), NO_STORE], stream=await stream_lines(items))


async def _converted(convert: Convert, items: AsyncIterator[Any]) -> AsyncIterator[Any]:
    try:
        async for item in items:
            yield convert(item)
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


def _of_stream(route: Route, signature: Signature) -> Rendering:
    _refuse_location(route, "a stream has no fields")
    if route.verb == "command":
        refuse_option(route, "a stream", "only a query can stream")
    shown = signature.returns if signature.convert is None else signature.shown
    _require_encodable(route, shown)
    return Rendering(
        status=_status(route),
        render=_as_it_is,
        returns=shown,
        result=signature.returns,
        media_type=NDJSON,
        convert=signature.convert,
    )


def _of_response(route: Route, signature: Signature) -> Rendering:
    _refuse_location(route, "a Response sets its own headers")
    return Rendering(status=_status(route), render=_as_it_is)


def _of_nothing(route: Route, signature: Signature) -> Rendering:
    _refuse_location(route, "the response is empty")
    status = 204 if _status(route) == 200 else _status(route)
    fields: Fields = [NOSNIFF]

    def render(result: Any, request: Request) -> Answer:
        return result if isinstance(result, Answer) else Answer(status, fields)

    empty = not any(_is_response(each) for each in _alternatives(signature.returns))
    return Rendering(status=status, render=render, empty=empty)


def _of_json(route: Route, returns: Any, signature: Signature, fields: Fields) -> Rendering:
    declared = route.option(ResponseOption)
    if declared.status in EMPTY:
        reason = f"a response with this status is empty; return None instead of {returns}"
        refuse_option(route, f"status={declared.status}", reason)
    shown = returns if signature.convert is None else typing.Union[tuple(_encoded(signature.shown))]  # noqa: UP007
    _require_encodable(route, shown)
    location = None if declared.location is None else _compile_location(route, declared.location, returns)
    return Rendering(
        status=declared.status,
        render=_render_json(declared.status, [*_fields(JSON), *fields], location, signature.convert),
        returns=shown,
        result=returns,
        media_type=JSON,
        location=location,
        convert=signature.convert,
    )


def _status(route: Route) -> int:
    return route.option(ResponseOption).status


def _render_json(
    status: int, fields: Fields, location: Locate | None, convert: Convert | None
) -> Callable[[Any, Request], Answer]:
    encode = _encoding(convert)

    def render(result: Any, request: Request) -> Answer:
        return result if isinstance(result, Answer) else Answer(status, fields, encode(result))

    def render_located(result: Any, request: Request) -> Answer:
        if isinstance(result, Answer):
            return result
        assert location is not None
        return Answer(status, [*fields, (b"location", location(result, request))], encode(result))

    return render if location is None else render_located


def _encoding(convert: Convert | None) -> Callable[[Any], bytes]:
    encode = ENCODER.encode
    return encode if convert is None else lambda result: encode(convert(result))


def _as_it_is(result: Any, request: Request) -> Answer:
    assert isinstance(result, Answer), f"the handler returned {type(result).__name__}, not a Response"
    return result


def _compile_location(route: Route, template: str, returns: Any) -> Locate:
    """Fills the template from the response's fields, each percent-encoded as one segment."""
    fields, names = list(common_fields(returns)), _PLACEHOLDER.findall(template)
    for name in names:
        if name not in fields:
            _invalid_location(route, f"the response has no field {name!r}", fields)
    if not template.startswith("/"):
        _invalid_location(route, "it does not begin with a slash", fields)
    form, getters = _PLACEHOLDER.sub("{}", template), [attrgetter(name) for name in names]

    def locate(result: Any, request: Request) -> bytes:
        path = form.format(*[quote(str(get(result)), safe="") for get in getters])
        root: str = request.scope.get("root_path", "")
        return (root + path).encode()

    return locate


def _refuse_location(route: Route, reason: str) -> None:
    if route.option(ResponseOption).location is not None:
        _invalid_location(route, reason, [])


def _invalid_location(route: Route, reason: str, fields: list[str]) -> typing.NoReturn:
    raise LocationTemplateInvalid(
        subject=route,
        handler=route.location,
        location=route.option(ResponseOption).location,
        reason=reason,
        fields=", ".join(fields) or "none",
    )


def _require_encodable(route: Route, returns: Any) -> None:
    try:
        msgspec.json.schema(returns)
    except (TypeError, NameError) as error:
        kind = returns.__name__ if isinstance(returns, type) else returns
        raise ReturnTypeInvalid(subject=route, handler=route.location, kind=kind, reason=error) from error


def _fields(media_type: str) -> Fields:
    return [(b"content-type", media_type.encode()), NOSNIFF]


def _alternatives(returns: Any) -> tuple[Any, ...]:
    if returns is None:
        return (type(None),)
    return typing.get_args(returns) if typing.get_origin(returns) in (typing.Union, UnionType) else (returns,)


def _encoded(returns: Any) -> list[Any]:
    """The alternatives that are encoded, without Response classes."""
    return [each for each in _alternatives(returns) if not _is_response(each)]


def answers_freely(signature: Signature) -> bool:
    """Whether the handler can set header fields, as with a Response."""
    return any(map(_is_response, _alternatives(signature.returns)))


def responses_of(signature: Signature) -> list[type[Answer]]:
    """The Response classes that the handler may return."""
    return [each for each in _alternatives(signature.returns) if _is_response(each)]


def _is_response(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Answer)
