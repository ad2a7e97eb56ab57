"""A handler's signature: its parameters and its answer, with every type resolved."""

import inspect
import typing
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Annotated, Any, Final

import msgspec

from headwater.http.page.declaration import Pages
from headwater.http.route.errors import AnnotationMissing, AnnotationUnresolved, NotAsync, ParameterUnbound
from headwater.http.route.parameter import Body, Header, Query
from headwater.http.route.route import Route

MISSING: Final = inspect.Parameter.empty

Marker = Header | Query | Body | Pages
Convert = Callable[[Any], Any]

_STREAMS: Final = (AsyncIterator, AsyncGenerator, AsyncIterable)
_VARIADIC: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter; `annotation` is its type without the marker.

    With `convert` it is read as `annotation` and handed over as what `convert` makes of it, which is a `converted`.
    """

    name: str
    annotation: Any
    marker: Marker | None
    default: Any
    keyword_only: bool
    convert: Convert | None = None
    converted: Any = None


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler takes and what it returns; `streams` if it returns an async iterator of `returns`.

    With `convert` the answer is shown as what that makes of it, which is a `shown`.
    """

    parameters: tuple[Parameter, ...]
    returns: Any
    streams: bool
    generates: bool
    """The handler is an async generator function: calling it gives the iterator, without awaiting."""
    convert: Convert | None = None
    shown: Any = None
    passed: frozenset[str] = frozenset()
    """Query parameters that mean something to others than the handler."""


Adapt = Callable[[Route, Signature], Signature]
"""Makes of a handler's signature the one that an older version of the API shows."""


def read_signature(route: Route) -> Signature:
    """The signature of a route's handler; raises a `RouteError` for one that cannot serve."""
    generates = inspect.isasyncgenfunction(route.handler)
    if not (generates or inspect.iscoroutinefunction(route.handler)):
        raise NotAsync(route=route, handler=route.place)
    hints = _hints(route)
    returns, streams = _answer(route, hints)
    declared = inspect.signature(route.handler).parameters.values()
    parameters = tuple(_parameter(route, each, hints) for each in declared)
    return Signature(parameters=parameters, returns=returns, streams=streams, generates=generates)


def _hints(route: Route) -> dict[str, Any]:
    try:
        return typing.get_type_hints(route.handler, include_extras=True)
    except (NameError, AttributeError, TypeError) as error:
        raise AnnotationUnresolved(route=route, handler=route.place, reason=error) from error


def _answer(route: Route, hints: dict[str, Any]) -> tuple[Any, bool]:
    if "return" not in hints:
        mend = "Write `-> Product`, say; it is the schema of the response. For an empty one write `-> None`."
        raise AnnotationMissing(route=route, handler=route.place, what="the answer", mend=mend)
    returns = hints["return"]
    if typing.get_origin(returns) in _STREAMS:
        return typing.get_args(returns)[0], True
    return returns, False


def _parameter(route: Route, declared: inspect.Parameter, hints: dict[str, Any]) -> Parameter:
    if declared.kind in _VARIADIC:
        mend = "Name each parameter; take `request: Request` for whatever else there is."
        raise ParameterUnbound(
            route=route, handler=route.place, parameter=str(declared).partition(":")[0], kind="any", mend=mend
        )
    if declared.name not in hints:
        mend = f"Write `{declared.name}: int`, say; the type decides where the value comes from."
        raise AnnotationMissing(route=route, handler=route.place, what=f"the parameter `{declared.name}`", mend=mend)
    annotation, marker = _split_marker(hints[declared.name])
    return Parameter(
        name=declared.name,
        annotation=annotation,
        marker=marker,
        default=declared.default,
        keyword_only=declared.kind is inspect.Parameter.KEYWORD_ONLY,
    )


def _split_marker(annotation: Any) -> tuple[Any, Marker | None]:
    """The type and its marker; a bare class stands for a marker without a name."""
    if typing.get_origin(annotation) is not Annotated:
        return annotation, None
    kind, *extras = typing.get_args(annotation)
    marker, kept = None, []
    for extra in extras:
        if isinstance(extra, Marker):
            marker = extra
        elif isinstance(extra, type) and issubclass(extra, Header | Query | Body):
            marker = extra()
        else:
            kept.append(extra)
    return (Annotated[(kind, *kept)] if kept else kind), marker
