"""Resources: opened once per process, by type, and closed at its end.

The parameters of the function that opens a resource are other resources. It returns the resource, or is a generator
that yields it and closes it afterwards; both may be asynchronous::

    async def open_bank(settings: BankSettings, clock: Clock) -> AsyncIterator[Bank]:
        async with Bank(settings.url, clock) as bank:
            yield bank
"""

import asyncio
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, TypeVar, cast

from headwater.binding.errors import ResourceInvalid
from headwater.binding.signature import MISSING, Parameter, Subject, by_position, location_of, read_parameters, written
from headwater.binding.site import Site
from headwater.part import Declaration

T = TypeVar("T")


class Resource(Declaration, frozen=True, kw_only=True):
    """A value of the type `kind`, which `open` opens once per process.

    All handlers may take it, unless `check` raises for the parameter. `waits_for` are the pools from which each call of
    such a handler takes a connection; `statuses` are those of the problems that using it may raise.
    """

    kind: type
    open: Callable[..., Any]
    check: Callable[[Site, Parameter], None] | None = None
    waits_for: frozenset[str] = frozenset()
    statuses: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"the resource {written(self.kind)}"

    @property
    def handler(self) -> Callable[..., Any]:
        return self.open

    @property
    def location(self) -> str:
        return location_of(self.open)

    @property
    def writes(self) -> bool:
        return False


class Hook(Declaration, frozen=True, kw_only=True):
    """Runs when a process that serves the backend has opened its resources, and after its ``yield`` at the end.

    `run` is a coroutine function, or an asynchronous generator function that yields once; its parameters are resources.
    """

    run: Callable[..., Any]

    def __str__(self) -> str:
        return "the hook"

    @property
    def handler(self) -> Callable[..., Any]:
        return self.run

    @property
    def location(self) -> str:
        return location_of(self.run)

    @property
    def writes(self) -> bool:
        return False


class Services:
    """The resources of one process. `given` are available from the start: settings, a clock, metrics.

    Each is opened when it is first needed, after its dependencies; all are closed in the reverse order.
    """

    def __init__(self, resources: Iterable[Resource] = (), given: Mapping[type, Any] | None = None) -> None:
        self._resources: dict[type, Resource] = {}
        for each in resources:
            other = self._resources.setdefault(each.kind, each)
            if other is not each:
                raise _invalid(each, f"{other.location} provides the same type")
        self._open: dict[type, Any] = {Services: self, **(given or {})}
        self._opening: list[type] = []
        self._lock = asyncio.Lock()
        self._closing = AsyncExitStack()

    def __getitem__(self, kind: type[T]) -> T:
        """The open resource of a type."""
        return cast(T, self._open[kind])

    def __contains__(self, kind: object) -> bool:
        return kind in self._open

    def has(self, kind: Any) -> bool:
        """Whether a resource of this type exists, open or not."""
        try:
            return kind in self._open or kind in self._resources
        except TypeError:  # an annotation that cannot be hashed is not a resource
            return False

    async def open_all(self) -> None:
        """Open all resources; raises what their functions raise, and `ResourceInvalid`."""
        await self.open_each(tuple(self._resources))

    async def open_each(self, kinds: Iterable[type]) -> None:
        """Open these resources and their dependencies."""
        for kind in kinds:
            await self.get(kind)

    async def get(self, kind: type[T]) -> T:
        """The resource of a type; opens it if necessary."""
        async with self._lock:
            return cast(T, await self._get(kind))

    async def run(self, hook: Hook) -> None:
        """Run a hook up to its ``yield``; the rest runs before any resource that is open now is closed."""
        async with self._lock:
            arguments = await self._arguments(hook, {})
        await self._enter(hook, arguments)

    async def call(self, function: Callable[..., Any], given: Mapping[type, Any] | None = None) -> Any:
        """Call a coroutine function whose parameters are resources or among `given`."""
        subject = Hook(run=function)
        async with self._lock:
            arguments = await self._arguments(subject, given or {})
        return await by_position(function, read_parameters(subject))(*arguments)

    def check(self, subject: Subject, given: Collection[type] = ()) -> None:
        """Raise `ResourceInvalid` for a parameter of a function that `call` could not fill."""
        for parameter in read_parameters(subject):
            if parameter.annotation not in given and not self._can_fill(parameter):
                raise self._unknown(subject, parameter)

    async def close(self) -> None:
        """Close all resources."""
        try:
            await self._closing.aclose()
        finally:
            for kind in self._resources:
                self._open.pop(kind, None)

    async def _get(self, kind: type) -> Any:
        if kind not in self._open:
            self._open[kind] = await self._opened(self._resources[kind])
        return self._open[kind]

    async def _opened(self, resource: Resource) -> Any:
        if resource.kind in self._opening:
            chain = " → ".join(written(kind) for kind in (*self._opening, resource.kind))
            raise _invalid(resource, f"it needs itself: {chain}")
        self._opening.append(resource.kind)
        try:
            return await self._enter(resource, await self._arguments(resource, {}))
        finally:
            self._opening.pop()

    async def _arguments(self, subject: Resource | Hook, given: Mapping[type, Any]) -> list[Any]:
        return [await self._argument(subject, each, given) for each in read_parameters(subject)]

    async def _enter(self, subject: Resource | Hook, arguments: list[Any]) -> Any:
        function = by_position(subject.handler, read_parameters(subject))
        if inspect.isasyncgenfunction(subject.handler):
            return await self._closing.enter_async_context(asynccontextmanager(function)(*arguments))
        if inspect.isgeneratorfunction(subject.handler):
            return self._closing.enter_context(contextmanager(function)(*arguments))
        result = function(*arguments)
        return await result if inspect.isawaitable(result) else result

    async def _argument(self, subject: Resource | Hook, parameter: Parameter, given: Mapping[type, Any]) -> Any:
        kind = parameter.annotation
        if kind in given:
            return given[kind]
        if self.has(kind):
            return await self._get(kind)
        if parameter.default is not MISSING:
            return parameter.default
        raise self._unknown(subject, parameter)

    def _can_fill(self, parameter: Parameter) -> bool:
        return self.has(parameter.annotation) or parameter.default is not MISSING

    def _unknown(self, subject: Subject, parameter: Parameter) -> ResourceInvalid:
        known = ", ".join(sorted(written(each) for each in {*self._open, *self._resources}))
        kind = written(parameter.annotation)
        return _invalid(subject, f"no resource is a {kind}, the type of `{parameter.name}`; the resources are {known}")


def _invalid(subject: Subject, reason: str) -> ResourceInvalid:
    return ResourceInvalid(subject=subject, handler=subject.location, reason=reason)
