"""An endpoint: a route with its steps composed once. What a route does not use, its requests do not pay for.

The steps, of which each route has those that it needs: limits of addresses; who asks; limits of principals; a slot
among those worked on at once; does the client accept what this yields; providers; the body; the arguments; for a
command, its transaction; the handler; the answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from typing import Any

from headwater.commit import Committer, Origin, OutcomeUnknown, Stored, Tx
from headwater.http.binding.binding import Binding
from headwater.http.binding.inputs import Input
from headwater.http.binding.rendering import Rendering, answers_freely, compile_rendering, start_stream
from headwater.http.binding.resources import Resources
from headwater.http.browser.csrf import SAFE, with_csrf
from headwater.http.command.idempotency import key_of
from headwater.http.compression import VARY
from headwater.http.conditions.conditional import with_validators
from headwater.http.conditions.current import Current, compile_current, refuse_if_match
from headwater.http.files.sending import with_download
from headwater.http.files.tus import compile_step
from headwater.http.files.upload import keep_upload, with_upload
from headwater.http.identity.admission import Admission, admission_of, with_principal
from headwater.http.limit.declaration import Limit
from headwater.http.limit.limiting import by_others, by_principal, limits_of, with_limits
from headwater.http.load.bodylimit import with_body_limit
from headwater.http.load.deadline import deadline_of
from headwater.http.load.refusal import Reason
from headwater.http.load.slots import with_slots
from headwater.http.load.watch import LOOK_SECONDS
from headwater.http.message.answer import Answer, from_stored, to_stored
from headwater.http.message.media import accept_check
from headwater.http.message.problemtype import OUTCOME_UNKNOWN
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.route.route import Route, refuse_option
from headwater.http.route.signature import Adapt, Signature, read_signature
from headwater.http.serving.meter import Counted

Handle = Callable[..., Awaitable[Any]]

REPLAYED = (b"idempotent-replayed", b"true")

_NOT_KEPT = Stored(200, [], b"")


class Endpoint(Counted):
    """`call` answers a request, or raises whatever the handler raises; `binding` and `rendering` say how, `admission`
    whom it lets in.

    `cancels`: its work is stopped when the client is gone. `deadline`: it is stopped after so many seconds, 0 for none;
    `hurried`: that is soon. A command is never stopped on the way from its commit to its answer, and for nothing but
    its deadline before. `vital`: it is answered under any load, and never stopped. `waits_for` are the pools that it
    takes connections of. `compresses`: its answers are encoded for a client that takes that. `limits` are what its
    requests are charged.
    """

    __slots__ = (
        "admission",
        "binding",
        "call",
        "cancels",
        "compresses",
        "deadline",
        "hurried",
        "limits",
        "rendering",
        "route",
        "vital",
        "waits_for",
    )

    def __init__(
        self,
        route: Route,
        call: Call,
        binding: Binding,
        rendering: Rendering,
        admission: Admission | None = None,
        compresses: bool = False,
        free: bool = False,
        limits: tuple[Limit, ...] = (),
        deadline: float = 0.0,
        waits_for: frozenset[Reason] = frozenset(),
    ) -> None:
        super().__init__(route.method, route.path, route.quiet)
        self.route = route
        self.call = call
        self.binding = binding
        self.rendering = rendering
        self.admission = admission
        self.cancels = route.verb == "query"
        self.deadline = deadline
        self.hurried = 0 < deadline <= 2 * LOOK_SECONDS
        self.vital = route.vital
        self.waits_for = waits_for
        self.compresses = compresses
        self.free = free
        self.limits = limits
        if compresses and self.cancels:  # nobody keeps what a command answers
            self.standing = [VARY]

    def for_method(self, method: str) -> "Endpoint":
        """The same for another method."""
        twin = copy(self)
        twin.method = method
        return twin

    def calling(self, call: Call) -> "Endpoint":
        """The same with another call, most often one around its own."""
        twin = copy(self)
        twin.call = call
        return twin


def compile_endpoint(route: Route, resources: Resources, adapt: Adapt | None = None) -> Endpoint:
    """The endpoint of a route; raises a `RouteError` that names the handler and what mends it.

    `adapt` makes of the handler's signature the one that an older version of the API shows.
    """
    resumable = route.uploads is not None
    if resumable:
        route = compile_step(route, resources)
    signature = read_signature(route)
    if adapt is not None:
        signature = adapt(route, signature)
    binding = Binding(route, signature, resources)
    current = compile_current(route, resources, binding, adapt)
    rendering = with_validators(route, compile_rendering(route, signature), current.kind if current else None)
    handle = binding.calling(route.handler)
    inputs = binding.inputs
    if route.verb == "command":
        call = _Command(route, binding, rendering, handle, resources.committer, current).steps()
        inputs += current.binding.inputs if current is not None else ()
    else:
        _refuse_key(route)
        streams = signature.streams
        call = _stream(binding, rendering, handle, signature) if streams else _query(binding, rendering, handle)
    call = _with_files(call, binding, rendering, resources)
    compresses = resources.compresses and route.compress and not (rendering.empty or rendering.downloads)
    call = _with_accept(call, rendering)
    call = with_slots(call, resources.load.slots.of(route))
    if route.body_limit is not None:
        call = with_body_limit(route, call)
    limits = limits_of(route, resources.limits)
    call = with_limits(call, by_principal(limits), route.cost, resources.limiter)
    admission = admission_of(route, inputs, resources.identity, counts=bool(by_principal(limits)))
    if admission is not None and admission.identity.ambient and route.method not in SAFE:
        call = with_csrf(call, resources.origins)
    call = with_principal(call, admission, resources.db)
    call = with_limits(call, by_others(limits), route.cost, resources.limiter)
    uploads = resumable or any(each.where == "upload" for each in inputs)
    deadline = deadline_of(route, resources.load.deadline, uploads)
    waits_for = _waits_for(inputs, rendering, admission)
    free = answers_freely(signature)
    return Endpoint(route, call, binding, rendering, admission, compresses, free, limits, deadline, waits_for)


def _waits_for(inputs: Sequence[Input], rendering: Rendering, admission: Admission | None) -> frozenset[Reason]:
    """The pools that every request of a route takes connections of."""
    where = {each.where for each in inputs}
    pools: set[Reason] = set()
    if admission is not None or rendering.downloads or "db" in where or "page" in where:
        pools.add("reads")
    if "tx" in where or "upload" in where:
        pools.add("writes")
    return frozenset(pools)


def _with_files(call: Call, binding: Binding, rendering: Rendering, resources: Resources) -> Call:
    """The same with what an upload leaves tidied up, and a `Download` made the answer that it stands for."""
    if binding.body is not None and binding.body.where == "upload":
        assert resources.staging is not None
        call = with_upload(call, resources.staging)
    if rendering.downloads:
        assert resources.staging is not None
        call = with_download(call, resources.db, resources.staging.objects)
    return call


def _query(binding: Binding, rendering: Rendering, handle: Handle) -> Call:
    bind, render, prepare = binding.bind, rendering.render, _preparation(binding)

    async def call(request: Request) -> Answer:
        return render(await handle(*bind(request)), request)

    async def call_prepared(request: Request) -> Answer:
        await prepare(request)
        return render(await handle(*bind(request)), request)

    return call_prepared if binding.providers or binding.body else call


def _stream(binding: Binding, rendering: Rendering, handle: Handle, signature: Signature) -> Call:
    prepare = _preparation(binding)

    async def call(request: Request) -> Answer:
        await prepare(request)
        items: Any = handle(*binding.bind(request))
        return await start_stream(rendering, aiter(items if signature.generates else await items))

    return call


def _preparation(binding: Binding) -> Callable[[Request], Awaitable[None]]:
    async def prepare(request: Request) -> None:
        if binding.providers:
            await binding.provide(request)
        if binding.body is not None:
            await binding.read(request)

    return prepare


def _provision(binding: Binding, current: Current | None) -> Callable[[Request], Awaitable[None]] | None:
    """What runs the providers of a command and of what it is about to change, None if there are none."""
    if current is None or not current.binding.providers:
        return binding.provide if binding.providers else None
    beside = current.binding

    async def provide(request: Request) -> None:
        await binding.provide(request)
        await beside.provide(request)

    return provide


class _Declined(Exception):
    """A command answered with an error: roll back, and give that answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Command:
    """The steps of one command."""

    def __init__(
        self,
        route: Route,
        binding: Binding,
        rendering: Rendering,
        handle: Handle,
        committer: Committer,
        current: Current | None,
    ) -> None:
        self._route = route
        self._binding = binding
        self._render = rendering.render
        self._handle = handle
        self._execute = committer.execute
        self._check = current.check if current is not None else None
        self._require = current.require_condition if current is not None else refuse_if_match
        self._provide = _provision(binding, current)
        self._keep = keep_upload if binding.body is not None and binding.body.where == "upload" else None

    def steps(self) -> Call:
        return self._once if self._route.idempotency == "none" else self._once_per_key

    async def _once(self, request: Request) -> Answer:
        if self._provide is not None:
            await self._provide(request)
        if self._binding.body is not None:
            await self._binding.read(request)
        return await self._run(request)

    async def _once_per_key(self, request: Request) -> Answer:
        if self._provide is not None:
            await self._provide(request)
        await self._binding.read(request)
        key = key_of(request, self._route.path, self._route.idempotency == "required")
        if key is None:
            return await self._run(request)
        work = self._work(request)
        try:
            outcome = await self._execute(work.run_and_keep, self._origin(request), key)
        except _Declined as declined:
            return declined.answer
        if outcome.replayed:
            answer = from_stored(outcome.answer)
            answer.fields.append(REPLAYED)
            return answer
        return work.answer

    async def _run(self, request: Request) -> Answer:
        self._require(request)
        if self._binding.tx_index is None:  # there is nothing to commit
            return self._render(await self._handle(*self._binding.bind(request)), request)
        work = self._work(request)
        try:
            await self._execute(work.run, self._origin(request))
        except _Declined as declined:
            return declined.answer
        except OutcomeUnknown as error:
            detail = "The connection broke while committing. Without an Idempotency-Key, sending it again is not safe."
            raise OUTCOME_UNKNOWN.problem(detail) from error
        return work.answer

    def _work(self, request: Request) -> "_Work":
        return _Work(self._binding, self._handle, self._render, self._require, self._check, self._keep, request)

    def _origin(self, request: Request) -> Origin:
        actor = request.principal.id if request.principal is not None else None
        return Origin(self._route.app, self._route.name, actor, request.traceparent)


class _Work:
    """What a command does inside its transaction; run again from the start if the transaction has to be."""

    __slots__ = ("_arguments", "_binding", "_check", "_handle", "_keep", "_render", "_request", "_require", "answer")

    answer: Answer

    def __init__(
        self,
        binding: Binding,
        handle: Handle,
        render: Callable[[Any, Request], Answer],
        require: Callable[[Request], None],
        check: Callable[[Tx, Request], Awaitable[None]] | None,
        keep: Callable[[Tx, Request], Awaitable[None]] | None,
        request: Request,
    ) -> None:
        self._binding = binding
        self._handle = handle
        self._render = render
        self._require = require
        self._check = check
        self._keep = keep
        self._request = request
        self._arguments: list[Any] | None = binding.bind(request)

    async def run(self, tx: Tx) -> Stored:
        if self._check is not None:
            await self._check(tx, self._request)
        if self._keep is not None:
            await self._keep(tx, self._request)
        arguments = self._binding.bind(self._request) if self._arguments is None else self._arguments
        self._arguments = None  # the handler may change them; another attempt gets its own
        if self._binding.tx_index is not None:
            arguments[self._binding.tx_index] = tx
        self.answer = self._render(await self._handle(*arguments), self._request)
        if self.answer.status >= 400:
            raise _Declined(self.answer)
        self._seal()
        return _NOT_KEPT

    def _seal(self) -> None:
        """From here on the command is not stopped, since it commits; raises if it was, and did not heed it."""
        task, self._request.task = self._request.task, None
        if task is not None and task.cancelling():
            self._request.task = task
            raise asyncio.CancelledError

    async def run_and_keep(self, tx: Tx) -> Stored:
        self._require(self._request)  # here, because what was done under the key before is told whatever is asked now
        await self.run(tx)
        return to_stored(self.answer)


def _with_accept(call: Call, rendering: Rendering) -> Call:
    """The same with 406 for a client that does not take what it yields; errors go out as problems all the same."""
    if rendering.media_type is None:
        return call
    check = accept_check(rendering.media_type)

    def call_accepted(request: Request) -> Awaitable[Answer]:
        accept = request.fields.get(b"accept")
        if accept is not None:
            check(accept)
        return call(request)

    return call_accepted


def _refuse_key(route: Route) -> None:
    if route.idempotency != "none":
        reason = "a query changes nothing, so it needs no key"
        refuse_option(route, f"idempotency={route.idempotency!r}", reason)
