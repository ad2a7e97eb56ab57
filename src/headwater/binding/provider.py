"""Providers: the types that handlers can take, and how parameters of these types are filled.

A context is what a handler is called for: a `Request`, a `Delivery`. A provider belongs to one context or, if its value
is the same for the whole process, to all. Compiling a handler needs only the provided *types*; nothing has to be open.
Once resources are open, `Provided.bind` returns the function that each call uses.
"""

import typing
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from types import UnionType
from typing import Any

import msgspec

from headwater.binding.resource import Resource, Services
from headwater.binding.signature import Parameter
from headwater.binding.site import Site
from headwater.part import Declaration, Declarations

Bind = Callable[[Any], Any]
"""From a context to the value of a parameter."""


class Making:
    """The values created before one call, each once, and closed after it."""

    __slots__ = ("closing", "context", "values")

    def __init__(self, context: Any, closing: AsyncExitStack) -> None:
        self.context = context
        self.closing = closing
        self.values: dict[Any, Any] = {}


Make = Callable[[Making], typing.Awaitable[Any]]


class Provided(msgspec.Struct, frozen=True, kw_only=True):
    """How one parameter is filled. Exactly one of `bind` and `make` is set.

    `bind` returns a function from the context to the value, which is called when the arguments are assembled. `make`
    returns a coroutine function, which is called earlier, in the order of the parameters: before a body is read and
    before a transaction begins. What it opens in `Making.closing` is closed when the call is over.
    """

    kind: Any
    bind: Callable[[Services], Bind] | None = None
    make: Callable[[Services], Make] | None = None
    required: bool = True
    waits_for: frozenset[str] = frozenset()
    """The pools from which every call with this parameter takes a connection: ``reads``, ``writes``."""
    uses: frozenset[type] = frozenset()
    """The resources that must be open."""
    statuses: tuple[int, ...] = ()
    """The statuses of the problems that it may raise, for the documentation."""
    facts: tuple[Any, ...] = ()
    """Facts about the handler for the planning of steps, for example that it requires authentication."""


class Provider(Declaration, frozen=True, kw_only=True):
    """Fills parameters of the type `kind` in handlers that are called for a `context`; None for every context.

    `provide` returns how one parameter is filled, or raises through its `Site`. With `subclasses` the parameter's type
    may also be a subclass, or an optional one. With `marker` the parameter must have a marker of that type.
    """

    kind: type
    provide: Callable[[Site, Parameter], Provided]
    context: type | None = None
    subclasses: bool = False
    marker: type | None = None


class Providers:
    """The providers of a backend, by type."""

    def __init__(self, declared: Declarations) -> None:
        providers = [*declared.of(Provider), *(_of_resource(each) for each in declared.of(Resource))]
        self._exact: dict[Any, list[Provider]] = {}
        for each in providers:
            if each.marker is None:
                self._exact.setdefault(each.kind, []).append(each)
        self._wide = [each for each in providers if each.subclasses]
        self._marked = [each for each in providers if each.marker is not None]

    @property
    def kinds(self) -> Iterable[Any]:
        """The types that parameters can have."""
        return [*self._exact, *(each.kind for each in self._marked)]

    def provided(self, site: Site, parameter: Parameter) -> Provided | None:
        """How a parameter is filled; None for a type that is not provided. Raises a `HandlerError`."""
        found = self._find(parameter)
        if not found:
            return None
        for each in found:
            if each.context is None or each.context is site.context:
                return each.provide(site, parameter)
        contexts = " or ".join(sorted(each.context.__name__ for each in found if each.context is not None))
        return site.misplaced(
            parameter,
            f"it is provided for a {contexts}, and this handler is called for a {site.context.__name__}",
            "Take a type that is provided there, or leave it out.",
        )

    def _find(self, parameter: Parameter) -> list[Provider]:
        if parameter.marker is not None:
            return [each for each in self._marked if isinstance(parameter.marker, each.marker or ())]
        try:
            exact = self._exact.get(parameter.annotation)
        except TypeError:  # an annotation that cannot be hashed is not provided
            return []
        if exact is not None:
            return exact
        kind, _ = member_of(parameter.annotation)
        return [each for each in self._wide if kind is not None and issubclass(kind, each.kind)]


def member_of(annotation: Any) -> tuple[type | None, bool]:
    """The class of a type without None, and whether it may be None; no class for any other union."""
    union = typing.get_origin(annotation) in (typing.Union, UnionType)
    members = typing.get_args(annotation) if union else (annotation,)
    kinds = [each for each in members if each is not type(None)]
    if len(kinds) != 1 or not isinstance(kinds[0], type):
        return None, False
    return kinds[0], union


def constant(kind: Any, *uses: type, waits_for: Iterable[str] = (), statuses: tuple[int, ...] = ()) -> Provided:
    """Filled with the open resource `kind`, the same for every call."""
    return Provided(
        kind=kind,
        bind=lambda services: _always(services[kind]),
        waits_for=frozenset(waits_for),
        uses=frozenset({kind, *uses}),
        statuses=statuses,
    )


def _always(value: Any) -> Bind:
    return lambda context: value


def _of_resource(resource: Resource) -> Provider:
    def provide(site: Site, parameter: Parameter) -> Provided:
        if resource.check is not None:
            resource.check(site, parameter)
        return constant(resource.kind, waits_for=resource.waits_for, statuses=resource.statuses)

    return Provider(kind=resource.kind, provide=provide)
