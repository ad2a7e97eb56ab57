"""An endpoint: an operation with its steps composed once. A route pays only for the steps that it uses.

`docs/reference/http.md` has the table of the steps, which is generated from the parts.
"""

from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from headwater.binding import Services
from headwater.binding.provider import Making
from headwater.http.binding.rendering import answers_freely
from headwater.http.compiler import Compiler
from headwater.http.compression import VARY
from headwater.http.compression.options import CompressionOption
from headwater.http.load.deadline import deadline_of
from headwater.http.load.options import LoadOption
from headwater.http.load.watch import LOOK_SECONDS
from headwater.http.message.answer import Answer, Fields
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.route.route import Route
from headwater.http.router import Router
from headwater.http.serving.meter import Labels, Meter, labels_of
from headwater.http.serving.options import LogOption
from headwater.http.step.operation import Incompressible, Operation
from headwater.settings import Settings


@dataclass(frozen=True, eq=False, slots=True)
class Endpoint:
    """`call` returns the response to a request, or raises whatever the handler raises.

    - `cancels`: it is cancelled when the client disconnects.
    - `deadline`: it is cancelled after this many seconds; 0 for never. `hurried`: the deadline is short. A command is
      cancelled only by its deadline, and never once it has begun to commit.
    - `vital`: it is served under any load, and never cancelled.
    - `waits_for`: the pools from which it takes connections.
    - `compresses`: its responses are compressed for clients that accept it.
    - `fields` go with every response; if it is `overridable`, a response may replace some of them.
    - `series` is the index of its first metric value; `method` and `label` are its labels.
    """

    operation: Operation
    call: Call
    method: str
    label: str
    version: str | None
    series: int
    fields: Fields
    quiet: bool
    overridable: bool
    cancels: bool
    compresses: bool
    deadline: float
    hurried: bool
    vital: bool
    waits_for: frozenset[str]

    @property
    def route(self) -> Route:
        return self.operation.route

    @property
    def labels(self) -> Labels:
        """The labels of its metrics."""
        return labels_of(self.method, self.label, self.version)


class Linker:
    """Links operations with the open resources of a process to endpoints. `fields` go with every response of each,
    followed by its own and by `varying`."""

    def __init__(self, services: Services, settings: Settings, meter: Meter, fields: Fields, varying: Fields) -> None:
        self._services = services
        self._settings = settings
        self._meter = meter
        self._fields = fields
        self._varying = varying

    def endpoint(self, operation: Operation, label: str | None = None, version: str | None = None) -> Endpoint:
        """The endpoint of an operation; `label` is its route label in metrics and logs, by default its path."""
        route, load = operation.route, operation.option(LoadOption)
        label = route.path if label is None else label
        cancels = route.verb == "query"
        compresses = self._compresses(operation)
        varies = [VARY] if compresses and cancels else []  # responses of commands are not cached
        deadline = deadline_of(operation, self._settings.deadline_seconds)
        return Endpoint(
            operation=operation,
            call=link_call(operation, self._services),
            method=route.method,
            label=label,
            version=version,
            series=self._meter.register(labels_of(route.method, label, version)),
            fields=[*self._fields, *varies, *self._varying],
            quiet=operation.option(LogOption).quiet,
            overridable=answers_freely(operation.signature),
            cancels=cancels,
            compresses=compresses,
            deadline=deadline,
            hurried=0 < deadline <= 2 * LOOK_SECONDS,
            vital=load.vital,
            waits_for=operation.waits_for,
        )

    def endpoints(self, operations: Iterable[Operation], version: str | None = None) -> list[Endpoint]:
        """One for each, in the same order."""
        return [self.endpoint(each, version=version) for each in operations]

    def router(self, endpoints: Sequence[Endpoint]) -> Router[Endpoint]:
        """A router for them. HEAD is served wherever GET is, and counted separately."""
        return Router(
            endpoints, operation_of=lambda each: each.operation, head_of=lambda each: self.for_method(each, "HEAD")
        )

    def for_method(self, endpoint: Endpoint, method: str) -> Endpoint:
        """The same endpoint for another method, counted separately."""
        return replace(
            endpoint, method=method, series=self._meter.register(labels_of(method, endpoint.label, endpoint.version))
        )

    def _compresses(self, operation: Operation) -> bool:
        wanted = self._settings.compression and operation.option(CompressionOption).compress
        return wanted and not operation.rendering.empty and operation.fact(Incompressible) is None


def calling(endpoint: Endpoint, call: Call) -> Endpoint:
    """The same endpoint with another call, usually one that wraps its own."""
    return replace(endpoint, call=call)


def link_call(operation: Operation, services: Services) -> Call:
    """The steps of an operation around its innermost call, the first of them outermost."""
    call: Call = operation.execution.link(operation, services)
    if _closes(operation):
        call = _closing(call)
    for step, decided in reversed(operation.steps):
        call = step.wrap(call, decided, operation, services)
    return call


def _closes(operation: Operation) -> bool:
    """Whether provided values may have to be closed after the response."""
    return any(each.make is not None for each in operation.provided)


def _closing(call: Call) -> Call:
    async def call_and_close(request: Request) -> Answer:
        async with AsyncExitStack() as stack:
            request.making = Making(request, stack)
            return await call(request)

    return call_and_close


def describe_steps(compiler: Compiler) -> list[tuple[str, str, str]]:
    """Stage, name and description of every step, in execution order; those of a transaction come last."""
    rows = [(step.stage.name.lower(), step.name, step.does) for step in compiler.steps]
    rows += [("execution", each.verb, each.does) for each in compiler.executions.values()]
    return [*rows, *(("transaction", each.name, each.does) for each in compiler.within)]
