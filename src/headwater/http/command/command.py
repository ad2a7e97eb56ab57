"""A command: provided values, the body, the transaction, and the response that is committed with it.

The methods are in execution order. Those of `_Work` run inside the transaction, and again when the transaction is
retried.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from headwater.binding import Services
from headwater.commit import Committer, Origin, OutcomeUnknown, Replay, Tx
from headwater.http.binding.binding import Bound
from headwater.http.command.idempotency import key_of
from headwater.http.command.options import IdempotencyOption
from headwater.http.message.answer import Answer, from_stored, to_stored
from headwater.http.message.problemtype import OUTCOME_UNKNOWN
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.step.operation import Operation

Handle = Callable[..., Awaitable[Any]]
Render = Callable[[Any, Request], Answer]
Run = Callable[[Tx, Request], Awaitable[None]]

REPLAYED: Final = (b"idempotent-replayed", b"true")


def link_command(operation: Operation, services: Services) -> Call:
    """The call of a command, with or without idempotency keys."""
    command = CommandCall(operation, services)
    keyed = operation.option(IdempotencyOption).idempotency != "none"
    return command.run_once_per_key if keyed else command.run


class CommandCall:
    """The call of one command."""

    def __init__(self, operation: Operation, services: Services) -> None:
        route = operation.route
        self._route = route
        self._bound = operation.binding.link(services)
        self._tx_index = operation.binding.tx_index
        self._beside = _beside(operation, services)
        self._makes = self._bound.makes or bool(self._beside)
        self._handle = operation.binding.calling(route.handler)
        self._render = operation.rendering.render
        self._requires = [each.require for each in operation.within if each.require is not None]
        self._runs = [each.link(services) for each in operation.within if each.link is not None]
        self._committer = services[Committer]
        self._key_required = operation.option(IdempotencyOption).idempotency == "required"

    async def run(self, request: Request) -> Answer:
        """Execute it without an Idempotency-Key."""
        if self._makes:
            await self._provide(request)
        if self._bound.reads:
            await self._bound.read(request)
        return await self._execute(request)

    async def run_once_per_key(self, request: Request) -> Answer:
        """Execute it once for the request's Idempotency-Key, if it has one."""
        if self._makes:
            await self._provide(request)
        await self._bound.read(request)
        key = key_of(request, self._route.path, self._key_required)
        if key is None:
            return await self._execute(request)
        work = self._work(request)
        try:
            outcome = await self._committer.execute_once(work.run_required, self._origin(request), key, to_stored)
        except _Declined as declined:
            return declined.answer
        return _replayed(outcome) if isinstance(outcome, Replay) else outcome

    async def _provide(self, request: Request) -> None:
        await self._bound.provide(request)
        for each in self._beside:
            await each.provide(request)

    async def _execute(self, request: Request) -> Answer:
        self._require(request)
        if self._tx_index is None:  # nothing to commit
            return self._render(await self._handle(*self._bound.bind(request)), request)
        try:
            return await self._committer.execute(self._work(request).run, self._origin(request))
        except _Declined as declined:
            return declined.answer
        except OutcomeUnknown as error:
            detail = "The connection was lost during the commit. Without an Idempotency-Key, a retry is not safe."
            raise OUTCOME_UNKNOWN.problem(detail) from error

    def _require(self, request: Request) -> None:
        for require in self._requires:
            require(request)

    def _work(self, request: Request) -> "_Work":
        return _Work(self._bound, self._tx_index, self._handle, self._render, self._require, self._runs, request)

    def _origin(self, request: Request) -> Origin:
        actor = request.principal.id if request.principal is not None else None
        return Origin(self._route.app, self._route.name, actor, request.traceparent)


class _Declined(Exception):
    """The command responds with an error: roll back and send that response."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Work:
    """The work of a command inside its transaction."""

    __slots__ = ("_arguments", "_bound", "_handle", "_render", "_request", "_require", "_runs", "_tx_index")

    def __init__(
        self,
        bound: Bound,
        tx_index: int | None,
        handle: Handle,
        render: Render,
        require: Callable[[Request], None],
        runs: Sequence[Run],
        request: Request,
    ) -> None:
        self._bound = bound
        self._tx_index = tx_index
        self._handle = handle
        self._render = render
        self._require = require
        self._runs = runs
        self._request = request
        self._arguments: list[Any] | None = bound.bind(request)

    async def run_required(self, tx: Tx) -> Answer:
        """Check the requirements and run: only now is it known that the request is not a replay, which skips them."""
        self._require(self._request)
        return await self.run(tx)

    async def run(self, tx: Tx) -> Answer:
        for run in self._runs:
            await run(tx, self._request)
        answer = self._render(await self._handle(*self._arguments_with(tx)), self._request)
        if answer.status >= 400:
            raise _Declined(answer)
        self._seal()
        return answer

    def _arguments_with(self, tx: Tx) -> list[Any]:
        """The handler may change its arguments, so each attempt binds new ones."""
        arguments = self._bound.bind(self._request) if self._arguments is None else self._arguments
        self._arguments = None
        if self._tx_index is not None:
            arguments[self._tx_index] = tx
        return arguments

    def _seal(self) -> None:
        """From here on the command is not cancelled, since it commits; raises if the handler swallowed a
        cancellation."""
        task, self._request.task = self._request.task, None
        if task is not None and task.cancelling():
            self._request.task = task
            raise asyncio.CancelledError


def _beside(operation: Operation, services: Services) -> list[Bound]:
    """The bindings beside the handler's that have provided values."""
    bindings = [each.binding for each in operation.within if each.binding is not None and each.binding.makes]
    return [binding.link(services) for binding in bindings]


def _replayed(outcome: Replay) -> Answer:
    answer = from_stored(outcome.answer)
    answer.fields.append(REPLAYED)
    return answer
