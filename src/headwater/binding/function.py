"""A provider that is a function: how a user provides a type for each request or delivery.

Its parameters are bound like those of the handler that takes the type::

    async def find_basket(request: Request, db: Db) -> Basket: ...

It may be asynchronous. A generator yields the value, and the code after its ``yield`` runs when the call is over. A
value is created once per call, however many parameters take it.
"""

import inspect
import typing
from collections.abc import Callable
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from headwater.binding.errors import ResourceInvalid
from headwater.binding.provider import Make, Making, Provided, Provider
from headwater.binding.resource import Services
from headwater.binding.signature import (
    Parameter,
    Subject,
    by_position,
    location_of,
    read_hints,
    read_parameters,
    written,
)
from headwater.binding.site import Site

_ITERATORS = (
    typing.get_origin(typing.AsyncIterator[int]),
    typing.get_origin(typing.Iterator[int]),
    typing.get_origin(typing.AsyncGenerator[int, None]),
    typing.get_origin(typing.Generator[int, None, None]),
)


class Function(msgspec.Struct, frozen=True):
    """A providing function, as it appears in messages; `of` is the handler that it provides for."""

    handler: Callable[..., Any]
    of: Subject | None = None

    def __str__(self) -> str:
        return "a provider" if self.of is None else f"a provider for {self.of}"

    @property
    def location(self) -> str:
        return location_of(self.handler)

    @property
    def writes(self) -> bool:
        return False


def kind_of(function: Callable[..., Any]) -> type:
    """The type that a function returns, or that its generator yields; raises `ResourceInvalid`."""
    subject = Function(function)
    kind = read_hints(subject).get("return")
    if typing.get_origin(kind) in _ITERATORS:
        kind = typing.get_args(kind)[0]
    if not isinstance(kind, type) or kind is type(None):
        reason = "its return type must be the class that it provides"
        raise ResourceInvalid(subject=subject, handler=subject.location, reason=reason)
    return kind


def provider_of(function: Callable[..., Any], statuses: tuple[int, ...] = ()) -> Provider:
    """The provider of the type that `function` returns; `statuses` are those of the problems that it may raise."""
    kind = kind_of(function)

    def provide(site: Site, parameter: Parameter) -> Provided:
        return _provided(function, kind, statuses, site)

    return Provider(kind=kind, provide=provide)


def _provided(function: Callable[..., Any], kind: type, statuses: tuple[int, ...], site: Site) -> Provided:
    within = msgspec.structs.replace(site, subject=Function(function, site.subject))
    parameters = read_parameters(within.subject)
    inner = [_inner(within, each) for each in parameters]
    return Provided(
        kind=kind,
        make=lambda services: _make(function, parameters, inner, services),
        waits_for=frozenset().union(*(each.waits_for for each in inner)),
        uses=frozenset().union(*(each.uses for each in inner)),
        statuses=(*statuses, *(status for each in inner for status in each.statuses)),
        facts=tuple(fact for each in inner for fact in each.facts),
    )


def _inner(site: Site, parameter: Parameter) -> Provided:
    found: Provided | None = site.providers.provided(site, parameter)
    if found is None:
        known = ", ".join(sorted(written(each) for each in site.providers.kinds))
        site.unbound(parameter, f"A provider can take the provided types: {known}.")
    return found


def _make(
    function: Callable[..., Any], parameters: tuple[Parameter, ...], inner: list[Provided], services: Services
) -> Make:
    fillings = [filling(each, services) for each in inner]
    enter = _enter(by_position(function, parameters), function)

    async def make(making: Making) -> Any:
        if function not in making.values:
            arguments = [await fill(making) for fill in fillings]
            making.values[function] = await enter(making, arguments)
        return making.values[function]

    return make


def filling(provided: Provided, services: Services) -> Make:
    """A coroutine function that creates the value before a call, however it is provided."""
    if provided.make is not None:
        return provided.make(services)
    assert provided.bind is not None
    bind = provided.bind(services)

    async def fill(making: Making) -> Any:
        return bind(making.context)

    return fill


def _enter(function: Callable[..., Any], declared: Callable[..., Any]) -> Callable[[Making, list[Any]], Any]:
    if inspect.isasyncgenfunction(declared):
        manage = asynccontextmanager(function)

        async def enter(making: Making, arguments: list[Any]) -> Any:
            return await making.closing.enter_async_context(manage(*arguments))

    elif inspect.isgeneratorfunction(declared):
        manage_plainly = contextmanager(function)

        async def enter(making: Making, arguments: list[Any]) -> Any:
            return making.closing.enter_context(manage_plainly(*arguments))

    else:

        async def enter(making: Making, arguments: list[Any]) -> Any:
            result = function(*arguments)
            return await result if inspect.isawaitable(result) else result

    return enter
