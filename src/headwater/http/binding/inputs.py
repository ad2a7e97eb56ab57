"""Inputs: where each parameter of a handler comes from, by its name, its type and its marker.

The first match decides: a name in the path; a provided type (`Db`, `Request`, `Principal`, …) or `Tx`; a marker
(`Annotated[T, Header()]`, `Query()`, `Body()`); a Struct, which is the JSON body; any type parsed from one string, or a
list of such, which is a query parameter.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, NoReturn

import msgspec
from msgspec import inspect as shapes

from headwater.binding import MISSING, Parameter, Provided, Providers, Services, Site
from headwater.commit import Tx
from headwater.http.message.request import Request
from headwater.http.route.errors import PathInvalid
from headwater.http.route.parameter import Body, Header, Query
from headwater.http.route.route import Route, names_of, segments_of
from headwater.http.route.signature import Convert, Signature
from headwater.http.types.scalar import list_reader_of, reader_of
from headwater.http.types.shape import is_optional, members_of, shape_of

Where = Literal["path", "query", "header", "body", "raw body", "tx", "provided"]

Receive = Callable[[Request], Awaitable[None]]

BODILESS: Final = frozenset({"GET", "HEAD", "DELETE"})
"""Methods whose content has no meaning (RFC 9110 section 9.3), so nothing is bound to it."""


class FromRequest(Provided, frozen=True, kw_only=True):
    """How a parameter is filled from a request, where that concerns the other parameters.

    `query` are the query parameters that it reads itself. With `whole` it may read any, so none is an error. `receive`
    reads the body, which no other parameter can then take.
    """

    query: frozenset[str] = frozenset()
    whole: bool = False
    receive: Callable[[Services], Receive] | None = None


class RouteSubject(msgspec.Struct, frozen=True):
    """A route as the subject of its parameters, with the signature of its handler."""

    route: Route
    signature: Signature

    def __str__(self) -> str:
        return str(self.route)

    @property
    def handler(self) -> Callable[..., Any]:
        return self.route.handler

    @property
    def location(self) -> str:
        return self.route.location

    @property
    def writes(self) -> bool:
        return self.route.writes


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """Where a parameter of the handler comes from; `name` is its name in requests."""

    parameter: str
    where: Where
    name: str
    annotation: Any
    default: Any = MISSING
    provided: Provided | None = None
    required: bool = True
    convert: Convert | None = None
    """In an older version of the API: from the value read to the type `converted` that the handler takes."""
    converted: Any = None

    @property
    def takes_body(self) -> bool:
        """Whether it is the body of a request, or is received from it."""
        return self.where in ("body", "raw body") or self.receives is not None

    @property
    def receives(self) -> Callable[[Services], Receive] | None:
        """What reads the body for it, if it is not read as usual."""
        return self.provided.receive if isinstance(self.provided, FromRequest) else None


def inputs_of(route: Route, signature: Signature, providers: Providers, whole: bool = True) -> tuple[Input, ...]:
    """An input for each parameter, in their order; raises a `HandlerError` that names the parameter and the fix.

    With `whole` the handler must take every parameter of the path.
    """
    sources = _Sources(route, providers, signature)
    inputs = tuple(sources.input_of(parameter) for parameter in signature.parameters)
    for name in names_of(segments_of(route)) if whole else ():
        if not any(each.where == "path" and each.name == name for each in inputs):
            reason = f"the handler has no parameter for {{{name}}}"
            raise PathInvalid(subject=route, handler=route.location, reason=reason)
    return inputs


class _Sources:
    """Decides the sources of one route's parameters; only one of them can be the body."""

    def __init__(self, route: Route, providers: Providers, signature: Signature) -> None:
        self._route = route
        self._site = Site(RouteSubject(route, signature), Request, providers)
        self._in_path = names_of(segments_of(route))
        self._body: str | None = None

    def input_of(self, parameter: Parameter) -> Input:
        if parameter.name in self._in_path:
            return self._from_path(parameter)
        if parameter.annotation is Tx and parameter.marker is None:
            return self._from_transaction(parameter)
        found = self._provided(parameter)
        if found is not None:
            return found
        if parameter.marker is None:
            return self._from_body(parameter) if self._is_struct(parameter) else self._from_query(parameter)
        if isinstance(parameter.marker, Body):
            return self._from_body(parameter)
        return self._from_header(parameter) if isinstance(parameter.marker, Header) else self._from_query(parameter)

    def _from_path(self, parameter: Parameter) -> Input:
        if reader_of(self._shape(parameter)) is None:
            self._unbound(
                parameter, "A path segment is an int, a UUID, a str, an enum or another type parsed from one string."
            )
        return self._made(parameter, "path", parameter.name)

    def _from_transaction(self, parameter: Parameter) -> Input:
        if self._route.verb != "command":
            self._site.misplaced(parameter, "a query never writes", "Read with `db: Db`, or make it a command.")
        return self._made(parameter, "tx", "")

    def _provided(self, parameter: Parameter) -> Input | None:
        provided: Provided | None = self._site.providers.provided(self._site, parameter)
        if provided is None:
            return None
        if isinstance(provided, FromRequest) and provided.receive is not None:
            self._take_body(parameter)
        return Input(
            parameter=parameter.name,
            where="provided",
            name="",
            annotation=provided.kind,
            provided=provided,
            required=provided.required,
        )

    def _is_struct(self, parameter: Parameter) -> bool:
        members = [m for m in members_of(self._shape(parameter)) if not isinstance(m, shapes.NoneType)]
        return bool(members) and all(isinstance(m, shapes.StructType) for m in members)

    def _take_body(self, parameter: Parameter) -> None:
        if self._route.method in BODILESS:
            fix = "Take its fields as query parameters, or choose another method."
            self._misplaced(parameter, f"a {self._route.method} request has no body", fix)
        if self._body is not None:
            self._misplaced(parameter, f"the body is `{self._body}` already", "Put both into one Struct.")
        self._body = parameter.name

    def _from_body(self, parameter: Parameter) -> Input:
        self._take_body(parameter)
        if parameter.annotation is bytes:
            return self._made(parameter, "raw body", "")
        try:
            msgspec.json.schema(parameter.annotation)
        except (TypeError, NameError) as error:
            self._unbound(parameter, f"It cannot be read from JSON: {error}.")
        return self._made(parameter, "body", "")

    def _from_header(self, parameter: Parameter) -> Input:
        assert isinstance(parameter.marker, Header)
        shape = self._shape(parameter)
        if reader_of(shape) is None and list_reader_of(shape) is None:
            self._unbound(parameter, "A header is a type parsed from one string, or a list of such.")
        return self._made(parameter, "header", parameter.marker.name or parameter.name.replace("_", "-").title())

    def _from_query(self, parameter: Parameter) -> Input:
        shape = self._shape(parameter)
        if reader_of(shape) is None and list_reader_of(shape) is None:
            fix = (
                "To provide it, use `@app.provide`. If it is the body, make it a Struct or "
                "mark it: Annotated[…, Body()]."
            )
            self._unbound(parameter, fix)
        name = parameter.marker.name if isinstance(parameter.marker, Query) else None
        return self._made(parameter, "query", name or parameter.name)

    def _made(self, parameter: Parameter, where: Where, name: str) -> Input:
        from_text = where in ("query", "header", "body")
        optional = parameter.default is not MISSING or (from_text and is_optional(self._shape(parameter)))
        return Input(
            parameter=parameter.name,
            where=where,
            name=name,
            annotation=parameter.annotation,
            default=None if optional and parameter.default is MISSING else parameter.default,
            required=not optional,
            convert=parameter.convert,
            converted=parameter.converted,
        )

    def _shape(self, parameter: Parameter) -> shapes.Type:
        try:
            return shape_of(parameter.annotation)
        except TypeError as error:
            self._unbound(parameter, f"Its type cannot be used: {error}.")

    def _unbound(self, parameter: Parameter, fix: str) -> NoReturn:
        self._site.unbound(parameter, fix)

    def _misplaced(self, parameter: Parameter, reason: str, fix: str) -> NoReturn:
        self._site.misplaced(parameter, reason, fix)
