"""A route's signature: the parameters and the return type of its handler, with every type resolved."""

import inspect
import typing
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Any, Final

import msgspec

from headwater.binding import AnnotationMissing, NotAsync, Parameter, read_parameters
from headwater.binding.signature import read_hints
from headwater.http.route.route import Route

Convert = Callable[[Any], Any]

_STREAMS: Final = (AsyncIterator, AsyncGenerator, AsyncIterable)


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters and the return type of a handler; `streams` if it returns an async iterator of `returns`.

    With `convert` the result is converted to the type `shown` before it is encoded.
    """

    parameters: tuple[Parameter, ...]
    returns: Any
    streams: bool
    generates: bool
    """The handler is an async generator function: calling it returns the iterator without awaiting."""
    convert: Convert | None = None
    shown: Any = None
    passed: frozenset[str] = frozenset()
    """Query parameters that are read elsewhere than in the handler."""


Adapt = Callable[[Route, Signature], Signature]
"""From a handler's signature to that of an older version of the API."""


def read_signature(route: Route) -> Signature:
    """The signature of a route's handler; raises a `HandlerError` for an invalid one."""
    generates = inspect.isasyncgenfunction(route.handler)
    if not (generates or inspect.iscoroutinefunction(route.handler)):
        raise NotAsync(subject=route, handler=route.location)
    hints = read_hints(route)
    returns, streams = _answer(route, hints)
    parameters = read_parameters(route, hints)
    return Signature(parameters=parameters, returns=returns, streams=streams, generates=generates)


def _answer(route: Route, hints: dict[str, Any]) -> tuple[Any, bool]:
    if "return" not in hints:
        fix = "Write `-> Product`, for example; it is the schema of the response. For an empty one write `-> None`."
        raise AnnotationMissing(subject=route, handler=route.location, what="the answer", fix=fix)
    returns = hints["return"]
    if typing.get_origin(returns) in _STREAMS:
        return typing.get_args(returns)[0], True
    return returns, False
