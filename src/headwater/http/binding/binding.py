"""Binding: fills the parameters of a handler; composed once, run for each request.

An unknown query parameter is an error, because a mistyped filter would otherwise silently select everything. A route
that takes the whole `Request` may read any parameter, so it is not checked.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from headwater.binding import MISSING, Providers, Services
from headwater.binding.function import filling
from headwater.binding.provider import Make
from headwater.binding.signature import by_position
from headwater.http.binding.inputs import FromRequest, Input, Receive, inputs_of
from headwater.http.message.body import check_depth, holds_nul
from headwater.http.message.media import encoded, is_json, not_json
from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import MALFORMED_BODY
from headwater.http.message.request import Request
from headwater.http.route.route import Route, names_of, segments_of
from headwater.http.route.signature import Convert, Signature
from headwater.http.types.inputerror import InputError, Invalid, invalid_request
from headwater.http.types.integral import write_integers_plainly
from headwater.http.types.scalar import list_reader_of, reader_of
from headwater.http.types.shape import shape_of
from headwater.http.types.validation import find_errors, nul_errors, offset_check

Bind = Callable[[Request], Any]


class InputsRefused(Exception):
    """The inputs of a request are invalid."""

    def __init__(self, errors: list[InputError]) -> None:
        super().__init__(errors)
        self.errors = errors


class Binding:
    """How the parameters of one handler are filled, as far as it is known before resources are open.

    `beside` is the binding of another function for the same requests, which validates them. This one may take any part
    of them, and its provided values follow those of the other.
    """

    def __init__(
        self, route: Route, signature: Signature, providers: Providers, beside: "Binding | None" = None
    ) -> None:
        self.inputs = inputs_of(route, signature, providers, whole=beside is None)
        self.tx_index = next((i for i, each in enumerate(self.inputs) if each.where == "tx"), None)
        self.body = next((each for each in self.inputs if each.takes_body), None)
        self._made = [each.provided for each in self.inputs if each.provided and each.provided.make is not None]
        self.makes = bool(self._made)
        self._parameters = signature.parameters
        self._in_path = names_of(segments_of(route))
        self._before = 0 if beside is None else len(beside._made)
        self._check_query = _query_check(self.inputs, signature.passed) if beside is None else _bind_constant(None)

    def calling(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, to be called with the arguments in the order of its parameters."""
        return by_position(function, self._parameters)

    def facts(self, kind: type[Any]) -> list[Any]:
        """The facts of one type that providers have noted about the handler."""
        provided = [each.provided for each in self.inputs if each.provided is not None]
        return [fact for each in provided for fact in each.facts if isinstance(fact, kind)]

    def link(self, services: Services) -> "Bound":
        """The binding with open resources."""
        makes = [filling(each, services) for each in self._made]
        receives = None if self.body is None else self.body.receives
        receive = None if receives is None else receives(services)
        binds = _binds(self.inputs, self._in_path, services, self._before)
        return Bound(self, makes, receive, binds, self._check_query, self._before)


class Bound:
    """Fills the parameters of one handler for each request.

    It has three phases, of which a route has only those that it needs: `provide` creates provided values, `read` reads
    the body, `bind` returns the arguments in the order of the parameters, with None in the position of the `Tx`.
    """

    def __init__(
        self,
        binding: Binding,
        makes: Sequence[Make],
        receive: Receive | None,
        binds: Sequence[Bind],
        check_query: Bind,
        before: int,
    ) -> None:
        self.makes = bool(makes)
        self.reads = binding.body is not None
        self._makes = makes
        self._receive = receive
        self._as_it_is = binding.body is None or binding.body.where == "raw body"
        self._binds = list(binds)
        self._check_query = check_query
        self._before = before

    def bind(self, request: Request) -> list[Any]:
        """The arguments; raises a `Problem` that lists every error."""
        try:
            if request.scope["query_string"]:
                self._check_query(request)
            return [bind(request) for bind in self._binds]
        except InputsRefused:
            raise invalid_request(self._all_errors(request)) from None

    async def provide(self, request: Request) -> None:
        """Create the provided values, in the order of the parameters."""
        if self._before:
            made = request.provided = request.provided[: self._before]
        else:
            made = request.provided = []
        making = request.making
        for make in self._makes:
            made.append(await make(making))

    async def read(self, request: Request) -> None:
        """Read the body if its media type is acceptable; raises a `Problem`."""
        if self._receive is not None:
            await self._receive(request)
            return
        if self._as_it_is:
            await request.body()
            return
        content_type = request.fields.get(b"content-type")
        if content_type is not None and not is_json(content_type.decode("latin-1")):
            raise not_json(content_type.decode("latin-1"))
        if request.fields.get(b"content-encoding", b"identity").lower() != b"identity":
            raise encoded()
        if await request.body() and content_type is None:
            raise not_json(None)

    def _all_errors(self, request: Request) -> list[InputError]:
        errors: list[InputError] = []
        for check in (self._check_query, *self._binds):
            try:
                check(request)
            except InputsRefused as refused:
                errors += refused.errors
        return errors


def _binds(inputs: Sequence[Input], in_path: Sequence[str], services: Services, made: int) -> list[Bind]:
    """`made` is the number of provided values before those of these inputs."""
    binds: list[Bind] = []
    for each in inputs:
        if each.where == "path":
            binds.append(_bind_path(in_path.index(each.name)))
        elif each.where == "tx":
            binds.append(_bind_constant(None))
        elif each.provided is None:
            binds.append(_BINDS[each.where](each))
        elif each.provided.bind is not None:
            binds.append(each.provided.bind(services))
        else:
            binds.append(_bind_made(made))
            made += 1
    return binds


def _query_check(inputs: Sequence[Input], passed: frozenset[str]) -> Bind:
    provided = [each.provided for each in inputs if isinstance(each.provided, FromRequest)]
    if any(each.whole for each in provided):
        return _bind_constant(None)
    known = passed.union((each.name for each in inputs if each.where == "query"), *(each.query for each in provided))

    def check(request: Request) -> None:
        if unknown := [name for name in request.query if name not in known]:
            raise InputsRefused([_error("There is no such parameter", "query", name) for name in unknown])

    return check


def _bind_constant(value: Any) -> Bind:
    return lambda request: value


def _bind_path(index: int) -> Bind:
    return lambda request: request.path_values[index]


def _bind_made(index: int) -> Bind:
    return lambda request: request.provided[index]


def _bind_raw_body(source: Input) -> Bind:
    return lambda request: request.raw_body


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
    """From the strings of a parameter, or None if it is absent, to the handler's argument."""
    shape = shape_of(source.annotation)
    read_one, read_all = reader_of(shape), list_reader_of(shape)

    def read(texts: list[str] | None) -> Any:
        if texts is None:
            if source.default is MISSING:
                raise InputsRefused([_error("The parameter is missing", source.where, source.name)])
            return source.default
        try:
            if read_one is None:
                assert read_all is not None
                return read_all(texts)
            if len(texts) > 1:
                raise Invalid(f"Expected one value, got {len(texts)}")
            return read_one(texts[0])
        except Invalid as invalid:
            raise InputsRefused([_error(str(invalid), source.where, source.name)]) from None

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
            raise InputsRefused(list(nul_errors(msgspec.json.decode(body))))
        if check_offsets is not None and (errors := check_offsets(body)):
            raise InputsRefused(errors)
        return value

    return bind if source.convert is None else _bind_converted(bind, source.convert, source.converted)


def _bind_converted(bind: Bind, convert: Convert, kind: Any) -> Bind:
    """The same, converted to the type of the handler; the result must satisfy its constraints."""
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(kind).decode

    def bind_converted(request: Request) -> Any:
        value = convert(bind(request))
        body = encode(value)
        try:
            decode(body)
        except msgspec.ValidationError as error:
            errors = find_errors(body, kind, error)
            raise InputsRefused(
                [InputError(detail=f"{each.detail}, at {each.pointer} when converted") for each in errors]
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


def _refused(body: bytes, annotation: Any, error: msgspec.ValidationError) -> InputsRefused | Problem:
    try:
        return InputsRefused(find_errors(body, annotation, error))
    except (ValueError, RecursionError) as malformed:
        return _malformed(body, malformed)


def _malformed(body: bytes, error: Exception) -> Problem:
    """The problem of a body that is not JSON, with the byte offset at which decoding stopped."""
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


def _error(detail: str, where: str, name: str) -> InputError:
    return InputError(detail=detail, parameter=name, where=where)


_BINDS: dict[str, Callable[[Input], Bind]] = {
    "query": _bind_query,
    "header": _bind_header,
    "body": _bind_body,
    "raw body": _bind_raw_body,
}
