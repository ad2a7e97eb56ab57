"""Where each parameter of a handler comes from, decided once from its name, its type and its marker.

The first that matches: a name in the path; a type that something provides (`Db`, `Tx`, `Request`, …); a marker
(`Annotated[T, Header()]`, `Query()`, `Body()`, or `Pages` for a `Page`); a Struct, which is the JSON body; whatever one
text can spell, or a list of these, which is the query string.
"""

import typing
from types import UnionType
from typing import Any, Final, Literal, NoReturn

import msgspec
from msgspec import inspect as shapes

from headwater.commit import Emitter, Tx
from headwater.db import Db
from headwater.http.binding.resources import Provider, Resources
from headwater.http.files.upload import Upload
from headwater.http.message.principal import Principal
from headwater.http.message.request import Request
from headwater.http.page import Listing, Page, Pages
from headwater.http.page.plan import Plan, PlanInvalid
from headwater.http.route.errors import PagesInvalid, ParameterMisplaced, ParameterUnbound, PathInvalid
from headwater.http.route.parameter import Body, Header, Query
from headwater.http.route.route import Route, names_of, segments_of
from headwater.http.route.signature import MISSING, Convert, Parameter, Signature
from headwater.http.types.scalar import list_reader_of, reader_of
from headwater.http.types.shape import is_optional, members_of, shape_of

Where = Literal[
    "path",
    "query",
    "header",
    "body",
    "raw body",
    "upload",
    "provider",
    "request",
    "principal",
    "db",
    "tx",
    "emitter",
    "page",
]

BODILESS: Final = frozenset({"GET", "HEAD", "DELETE"})
"""Methods whose content has no meaning (RFC 9110 section 9.3), so that nothing may be bound to it."""


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """Where a parameter of the handler comes from; `name` is how a request calls it."""

    parameter: str
    where: Where
    name: str
    annotation: Any
    default: Any = MISSING
    provider: Provider | None = None
    plan: Plan | None = None
    required: bool = True
    convert: Convert | None = None
    """Makes of what was read the `converted` that the handler takes, in an older version of the API."""
    converted: Any = None


def inputs_of(route: Route, signature: Signature, resources: Resources, whole: bool = True) -> tuple[Input, ...]:
    """An input for each parameter, in their order; raises a `RouteError` that names the parameter and the mend.

    `whole`: the handler has to take every parameter of the path.
    """
    sources = _Sources(route, resources, signature)
    inputs = tuple(sources.input_of(parameter) for parameter in signature.parameters)
    for name in names_of(segments_of(route)) if whole else ():
        if not any(each.where == "path" and each.name == name for each in inputs):
            reason = f"the handler has no parameter for {{{name}}}"
            raise PathInvalid(route=route, handler=route.place, reason=reason)
    return inputs


class _Sources:
    """Decides for the parameters of one route; only one of them can be the body."""

    def __init__(self, route: Route, resources: Resources, signature: Signature) -> None:
        self._route = route
        self._resources = resources
        self._returns = signature.returns
        self._converted = signature.convert is not None
        self._in_path = names_of(segments_of(route))
        self._body: str | None = None

    def input_of(self, parameter: Parameter) -> Input:
        if parameter.name in self._in_path:
            return self._from_path(parameter)
        if parameter.marker is None:
            found = self._provided(parameter)
            if found is not None:
                return found
            return self._from_body(parameter) if self._is_struct(parameter) else self._from_query(parameter)
        if isinstance(parameter.marker, Pages):
            return self._from_pages(parameter, parameter.marker)
        if isinstance(parameter.marker, Body):
            return self._from_body(parameter)
        return self._from_header(parameter) if isinstance(parameter.marker, Header) else self._from_query(parameter)

    def _from_path(self, parameter: Parameter) -> Input:
        if reader_of(self._shape(parameter)) is None:
            self._unbound(parameter, "A path segment is an int, a UUID, a str, an enum or another type of one text.")
        return self._made(parameter, "path", parameter.name)

    def _provided(self, parameter: Parameter) -> Input | None:
        kind, command = parameter.annotation, self._route.verb == "command"
        principal, optional = _principal_in(kind)
        if principal is not None:
            return Input(
                parameter=parameter.name, where="principal", name="", annotation=principal, required=not optional
            )
        if not isinstance(kind, type):
            return None
        if kind is Tx:
            if not command:
                self._misplaced(parameter, "a query never writes", "Read with `db: Db`, or make it a command.")
            return self._made(parameter, "tx", "")
        if kind is Db:
            if command:
                self._misplaced(parameter, "it would not see what the command writes", "Read with the `tx: Tx`.")
            return self._made(parameter, "db", "")
        if kind is Emitter:
            if command:
                self._misplaced(parameter, "what a command says is part of its commit", "Emit with `tx.emit`.")
            return self._made(parameter, "emitter", "")
        if kind is Request:
            return self._made(parameter, "request", "")
        if kind is Upload:
            return self._from_upload(parameter)
        provider = self._resources.providers.get(kind)
        return self._made(parameter, "provider", "", provider) if provider is not None else None

    def _from_upload(self, parameter: Parameter) -> Input:
        if self._route.verb != "command":
            self._misplaced(parameter, "a query keeps nothing", "Make it a command.")
        self._take_body(parameter)
        return self._made(parameter, "upload", "")

    def _is_struct(self, parameter: Parameter) -> bool:
        members = [m for m in members_of(self._shape(parameter)) if not isinstance(m, shapes.NoneType)]
        return bool(members) and all(isinstance(m, shapes.StructType) for m in members)

    def _take_body(self, parameter: Parameter) -> None:
        if self._route.method in BODILESS:
            mend = "Spell its fields as parameters of their own, or choose another method."
            self._misplaced(parameter, f"a {self._route.method} request has no body", mend)
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
            self._unbound(parameter, "A header is a type of one text, or a list of these.")
        return self._made(parameter, "header", parameter.marker.name or parameter.name.replace("_", "-").title())

    def _from_query(self, parameter: Parameter) -> Input:
        shape = self._shape(parameter)
        if reader_of(shape) is None and list_reader_of(shape) is None:
            mend = (
                "If something provides it, register a provider for its type. If it is the body, make it a Struct or "
                "mark it: Annotated[…, Body()]."
            )
            self._unbound(parameter, mend)
        name = parameter.marker.name if isinstance(parameter.marker, Query) else None
        return self._made(parameter, "query", name or parameter.name)

    def _from_pages(self, parameter: Parameter, pages: Pages) -> Input:
        if parameter.annotation is not Page:
            self._unpaged(parameter, "its type is not Page", f"Write `{parameter.name}: Annotated[Page, …]`.")
        if self._route.verb == "command":
            self._misplaced(parameter, "only a query answers with pages", "Make it a query.")
        try:
            plan = Plan(pages, whole=self._converted)
        except PlanInvalid as fault:
            self._unpaged(parameter, str(fault), "Mend the declaration.")
        if self._returns != Listing[plan.kind]:  # type: ignore[name-defined]
            kind = plan.kind.__name__
            self._unpaged(parameter, f"the handler does not return Listing[{kind}]", f"Write `-> Listing[{kind}]`.")
        return Input(parameter=parameter.name, where="page", name="", annotation=Page, plan=plan, required=False)

    def _made(self, parameter: Parameter, where: Where, name: str, provider: Provider | None = None) -> Input:
        from_text = where in ("query", "header", "body")
        optional = parameter.default is not MISSING or (from_text and is_optional(self._shape(parameter)))
        return Input(
            parameter=parameter.name,
            where=where,
            name=name,
            annotation=parameter.annotation,
            default=None if optional and parameter.default is MISSING else parameter.default,
            provider=provider,
            required=not optional,
            convert=parameter.convert,
            converted=parameter.converted,
        )

    def _shape(self, parameter: Parameter) -> shapes.Type:
        try:
            return shape_of(parameter.annotation)
        except TypeError as error:
            self._unbound(parameter, f"Its type cannot be used: {error}.")

    def _unpaged(self, parameter: Parameter, reason: str, mend: str) -> NoReturn:
        raise PagesInvalid(
            route=self._route, handler=self._route.place, parameter=parameter.name, reason=reason, mend=mend
        )

    def _unbound(self, parameter: Parameter, mend: str) -> NoReturn:
        raise ParameterUnbound(
            route=self._route,
            handler=self._route.place,
            parameter=parameter.name,
            kind=_written(parameter.annotation),
            mend=mend,
        )

    def _misplaced(self, parameter: Parameter, reason: str, mend: str) -> NoReturn:
        raise ParameterMisplaced(
            route=self._route,
            handler=self._route.place,
            parameter=parameter.name,
            kind=_written(parameter.annotation),
            reason=reason,
            mend=mend,
        )


def _principal_in(annotation: Any) -> tuple[type[Principal] | None, bool]:
    """The kind of principal that a type is, and whether it may be None."""
    union = typing.get_origin(annotation) in (typing.Union, UnionType)
    kinds = typing.get_args(annotation) if union else (annotation,)
    found = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Principal)]
    if len(found) != 1 or not {*kinds} <= {found[0], type(None)}:
        return None, False
    return found[0], union


def _written(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
