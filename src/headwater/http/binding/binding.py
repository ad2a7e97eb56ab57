"""Binding: what fills the parameters of a handler, composed once and run for each request.

A query parameter that no handler asked for is a fault, since a mistyped filter would otherwise quietly select
everything. A route that takes the whole `Request` may have reasons of its own and is not checked.
"""

import inspect
from collections.abc import Callable
from typing import Any, Final

import msgspec

from headwater.commit import Emitter, Origin
from headwater.http.binding.inputs import Input, inputs_of
from headwater.http.binding.resources import Resources
from headwater.http.files.upload import Intake
from headwater.http.keyring import Keyring
from headwater.http.message.body import check_depth, holds_nul
from headwater.http.message.media import encoded, is_json, not_json
from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import MALFORMED_BODY
from headwater.http.message.request import Request
from headwater.http.page import Page
from headwater.http.page.asked import Asking
from headwater.http.route.errors import ParameterMisplaced
from headwater.http.route.route import Route, names_of, refuse_option, segments_of
from headwater.http.route.signature import MISSING, Convert, Signature
from headwater.http.types.fault import Fault, Invalid, invalid_request
from headwater.http.types.integral import write_integers_plainly
from headwater.http.types.scalar import list_reader_of, reader_of
from headwater.http.types.shape import shape_of
from headwater.http.types.validation import find_faults, nul_faults, offset_check

Bind = Callable[[Request], Any]

BODIES: Final = ("body", "raw body", "upload")
"""What a request has one of at most."""


class Refused(Exception):
    """What a request holds does not fit the handler."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


class Binding:
    """Fills the parameters of one handler.

    Used in three steps, of which a route has only those that it needs: `provide` runs the providers, `read` takes in
    the body, `bind` returns the arguments in the order of the parameters, with None where the `Tx` goes.

    `beside` is the binding of another function for the same requests, which has them checked: this one takes whatever
    part of them it wants, and what its providers provide comes after that of the other's.
    """

    def __init__(
        self, route: Route, signature: Signature, resources: Resources, beside: "Binding | None" = None
    ) -> None:
        self.inputs = inputs_of(route, signature, resources, whole=beside is None)
        self._names = tuple(each.parameter for each in self.inputs)
        self._by_name = any(parameter.keyword_only for parameter in signature.parameters)
        self.tx_index = next((i for i, each in enumerate(self.inputs) if each.where == "tx"), None)
        self.providers = [each.provider.provide for each in self.inputs if each.provider is not None]
        self.body = next((each for each in self.inputs if each.where in BODIES), None)
        self._intake = _intake(route, self.inputs, resources) if beside is None else None
        self._before = 0 if beside is None else len(beside.providers)
        self._binds = _binds(route, self.inputs, resources, self._before)
        self._check_query = _query_check(self.inputs, signature.passed) if beside is None else _bind_constant(None)

    def calling(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, to be called with the arguments in the order of its parameters."""
        if not self._by_name:
            return function
        names = self._names
        return lambda *arguments: function(**dict(zip(names, arguments, strict=True)))

    def bind(self, request: Request) -> list[Any]:
        """The arguments; raises a `Problem` that lists every fault."""
        try:
            if request.scope["query_string"]:
                self._check_query(request)
            return [bind(request) for bind in self._binds]
        except Refused:
            raise invalid_request(self._all_faults(request)) from None

    async def provide(self, request: Request) -> None:
        """Run the providers, in the order of the parameters."""
        request.provided = request.provided[: self._before] if self._before else []
        for provide in self.providers:
            value = provide(request)
            request.provided.append(await value if inspect.isawaitable(value) else value)

    async def read(self, request: Request) -> None:
        """Take in the body, if it is declared as what the handler takes; raises a `Problem`."""
        if self._intake is not None:
            await self._intake.receive(request)
            return
        if self.body is None or self.body.where == "raw body":
            await request.body()
            return
        content_type = request.fields.get(b"content-type")
        if content_type is not None and not is_json(content_type.decode("latin-1")):
            raise not_json(content_type.decode("latin-1"))
        if request.fields.get(b"content-encoding", b"identity").lower() != b"identity":
            raise encoded()
        if await request.body() and content_type is None:
            raise not_json(None)

    def _all_faults(self, request: Request) -> list[Fault]:
        faults: list[Fault] = []
        for check in (self._check_query, *self._binds):
            try:
                check(request)
            except Refused as refused:
                faults += refused.faults
        return faults


def _intake(route: Route, inputs: tuple[Input, ...], resources: Resources) -> Intake | None:
    """What takes in the uploads of a route; raises a `RouteError` if nothing would come of them."""
    found = next((each for each in inputs if each.where == "upload"), None)
    if found is None:
        for option in ("upload_limit", "media_types"):
            if getattr(route, option):
                refuse_option(route, option, "the handler takes no `upload: Upload`")
        return None
    if not any(each.where == "tx" for each in inputs):
        raise ParameterMisplaced(
            route=route,
            handler=route.place,
            parameter=found.parameter,
            kind="Upload",
            reason="a transaction keeps it, and the command has none",
            mend="Take `tx: Tx` as well.",
        )
    assert resources.staging is not None, "a backend has somewhere to put its uploads"
    return Intake(route, resources.staging)


def _binds(route: Route, inputs: tuple[Input, ...], resources: Resources, provided: int) -> list[Bind]:
    """`provided` is how many values are provided before those of these inputs."""
    in_path = names_of(segments_of(route))
    binds: list[Bind] = []
    for each in inputs:
        if each.where == "path":
            binds.append(_bind_path(in_path.index(each.name)))
        elif each.where == "provider":
            binds.append(_bind_provided(provided))
            provided += 1
        elif each.where == "page":
            binds.append(_bind_page(each, route, resources))
        elif each.where in ("db", "tx"):
            binds.append(_bind_constant(resources.db if each.where == "db" else None))
        elif each.where == "emitter":
            binds.append(_bind_emitter(route, resources))
        else:
            binds.append(_BINDS[each.where](each))
    return binds


def _query_check(inputs: tuple[Input, ...], passed: frozenset[str]) -> Bind:
    if any(each.where == "request" for each in inputs):
        return _bind_constant(None)
    known = passed.union(
        (each.name for each in inputs if each.where == "query"),
        *(each.plan.parameters for each in inputs if each.plan is not None),
    )

    def check(request: Request) -> None:
        if unknown := [name for name in request.query if name not in known]:
            raise Refused([_fault("There is no such parameter", "query", name) for name in unknown])

    return check


def _bind_constant(value: Any) -> Bind:
    return lambda request: value


def _bind_page(source: Input, route: Route, resources: Resources) -> Bind:
    assert source.plan is not None
    plan, read = source.plan, Asking(source.plan).read
    keyring, clock = resources.keyring or Keyring(None, resources.db), resources.clock
    place = f"{route.app} {route}".encode()

    def bind(request: Request) -> Page:
        asked, faults = read(request.query)
        if faults:
            raise Refused(faults)
        return Page(plan, place, asked, request, keyring, clock)

    return bind


def _bind_emitter(route: Route, resources: Resources) -> Bind:
    app, name, group, clock = route.app, route.name, resources.group, resources.clock
    assert group is not None, "a backend commits what its queries emit"

    def bind(request: Request) -> Emitter:
        actor = request.principal.id if request.principal is not None else None
        return Emitter(group, Origin(app, name, actor, request.traceparent), clock)

    return bind


def _bind_path(index: int) -> Bind:
    return lambda request: request.path_values[index]


def _bind_provided(index: int) -> Bind:
    return lambda request: request.provided[index]


def _bind_request(source: Input) -> Bind:
    return lambda request: request


def _bind_principal(source: Input) -> Bind:
    return lambda request: request.principal


def _bind_raw_body(source: Input) -> Bind:
    return lambda request: request.raw_body


def _bind_upload(source: Input) -> Bind:
    return lambda request: request.upload


def _bind_query(source: Input) -> Bind:
    read = _read_values(source)

    def bind(request: Request) -> Any:
        return read(request.query.get(source.name) if request.scope["query_string"] else None)

    return bind


def _bind_header(source: Input) -> Bind:
    name = source.name.lower().encode("latin-1")
    many = list_reader_of(shape_of(source.annotation)) is not None
    read = _read_values(source)

    def bind(request: Request) -> Any:
        if name not in request.fields:
            return read(None)
        values = request.headers.get_all(source.name)
        return read([item.strip() for value in values for item in value.split(",")] if many else values)

    return bind


def _read_values(source: Input) -> Callable[[list[str] | None], Any]:
    """What turns the values given for a parameter, or None if it is absent, into the handler's argument."""
    shape = shape_of(source.annotation)
    read_one, read_all = reader_of(shape), list_reader_of(shape)

    def read(texts: list[str] | None) -> Any:
        if texts is None:
            if source.default is MISSING:
                raise Refused([_fault("The parameter is missing", source.where, source.name)])
            return source.default
        try:
            if read_one is None:
                assert read_all is not None
                return read_all(texts)
            if len(texts) > 1:
                raise Invalid(f"Expected one value, got {len(texts)}")
            return read_one(texts[0])
        except Invalid as invalid:
            raise Refused([_fault(str(invalid), source.where, source.name)]) from None

    return read


def _bind_body(source: Input) -> Bind:
    decode = msgspec.json.Decoder(source.annotation).decode
    check_offsets = offset_check(source.annotation)

    def bind(request: Request) -> Any:
        body = request.raw_body
        assert body is not None, "the body is read before it is bound"
        if not body:
            if source.default is MISSING:
                raise MALFORMED_BODY.problem("The body is empty; JSON was expected.")
            return source.default
        check_depth(body, request.body_limits.depth)
        try:
            value = _decode(body, decode)
        except msgspec.ValidationError as error:
            raise _refused(body, source.annotation, error) from None
        except (ValueError, RecursionError) as error:
            raise _malformed(body, error) from None
        if holds_nul(body):
            raise Refused(list(nul_faults(msgspec.json.decode(body))))
        if check_offsets is not None and (faults := check_offsets(body)):
            raise Refused(faults)
        return value

    return bind if source.convert is None else _bind_converted(bind, source.convert, source.converted)


def _bind_converted(bind: Bind, convert: Convert, kind: Any) -> Bind:
    """The same, converted to what the handler takes, with whose constraints the result has to agree."""
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(kind).decode

    def bind_converted(request: Request) -> Any:
        value = convert(bind(request))
        body = encode(value)
        try:
            decode(body)
        except msgspec.ValidationError as error:
            faults = find_faults(body, kind, error)
            raise Refused(
                [Fault(detail=f"{each.detail}, at {each.pointer} when converted") for each in faults]
            ) from None
        return value

    return bind_converted


def _decode(body: bytes, decode: Callable[[bytes], Any]) -> Any:
    try:
        return decode(body)
    except msgspec.ValidationError:
        plain = write_integers_plainly(body)
        if plain == body:
            raise
        return decode(plain)


def _refused(body: bytes, annotation: Any, error: msgspec.ValidationError) -> Refused | Problem:
    try:
        return Refused(find_faults(body, annotation, error))
    except (ValueError, RecursionError) as malformed:
        return _malformed(body, malformed)


def _malformed(body: bytes, error: Exception) -> Problem:
    """The problem of a body that is no JSON, with the offset of the byte where reading stopped."""
    if isinstance(error, RecursionError):
        return MALFORMED_BODY.problem("The body is nested too deeply.")
    try:
        body.decode()
    except UnicodeDecodeError as undecodable:
        return MALFORMED_BODY.problem("The body is not UTF-8.", offset=undecodable.start)
    reason, found, offset = str(error).partition(" (byte ")
    if not found:
        return MALFORMED_BODY.problem("The JSON ends too early.", offset=len(body))
    return MALFORMED_BODY.problem(f"{reason}.", offset=int(offset.rstrip(")")))


def _fault(detail: str, where: str, name: str) -> Fault:
    return Fault(detail=detail, parameter=name, where=where)


_BINDS: dict[str, Callable[[Input], Bind]] = {
    "request": _bind_request,
    "principal": _bind_principal,
    "query": _bind_query,
    "header": _bind_header,
    "body": _bind_body,
    "raw body": _bind_raw_body,
    "upload": _bind_upload,
}
