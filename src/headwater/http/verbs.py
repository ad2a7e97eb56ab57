"""The decorators of HTTP: they record routes, converters and problems."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal, TypeVar, Unpack

from headwater.errors import HeadwaterError
from headwater.http.binding.options import LocationOptions, ResponseOption, StatusOptions
from headwater.http.command.options import IdempotencyOption, IdempotencyOptions
from headwater.http.compression.options import CompressionOption, CompressionOptions
from headwater.http.conditions.options import (
    CachingOptions,
    ConditionOption,
    PreconditionOptions,
    ValidatorOptions,
)
from headwater.http.files.options import ResumableOptions, UploadOption, UploadOptions
from headwater.http.files.tus import routes_of
from headwater.http.limit.options import LimitOption, LimitOptions
from headwater.http.load.options import LoadOption, LoadOptions
from headwater.http.message.problem import Problem
from headwater.http.route.access import AccessOption, AccessOptions
from headwater.http.route.option import Option, Options
from headwater.http.route.route import Route
from headwater.http.route.texts import TextOptions
from headwater.http.serving.options import LogOption, LogOptions
from headwater.http.step.problems import Problems
from headwater.http.version import Converter
from headwater.http.version.options import VersionOption, VersionOptions
from headwater.part import Declarations, Part

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])
Answering = TypeVar("Answering", bound=Callable[..., Awaitable[Any] | AsyncIterator[Any]])
Converting = TypeVar("Converting", bound=Callable[[Any], Any])
Translating = TypeVar("Translating", bound=Callable[[Any], Problem | None])

OPTIONS = Options(
    (
        ResponseOption,
        IdempotencyOption,
        ConditionOption,
        LimitOption,
        LoadOption,
        CompressionOption,
        AccessOption,
        UploadOption,
        VersionOption,
        LogOption,
    )
)
"""The keywords of routes, and the capability that each belongs to."""


Verb = Literal["query", "command"]


class RouteOptions(
    TextOptions,
    StatusOptions,
    ValidatorOptions,
    LimitOptions,
    LoadOptions,
    CompressionOptions,
    AccessOptions,
    VersionOptions,
    LogOptions,
    total=False,
):
    """Options of every route."""


class QueryOptions(RouteOptions, CachingOptions, total=False):
    """Options of queries."""


class CommandOptions(
    RouteOptions, IdempotencyOptions, LocationOptions, PreconditionOptions, UploadOptions, total=False
):
    """Options of commands."""


class UploadsOptions(RouteOptions, ResumableOptions, total=False):
    """Options of resumable uploads."""


class BadRoute(HeadwaterError):
    """{route!r} is not a valid route. An example: "GET /orders/{{id}}"."""


def make_route(
    method: str,
    path: str,
    handler: Callable[..., Any],
    *extras: Option,
    verb: Verb = "query",
    app: str = "headwater",
    **given: Any,
) -> Route:
    """A route from the keywords of its decorator; raises `OptionUnknown`."""
    texts = {name: given.pop(name) for name in TextOptions.__annotations__ if name in given}
    options = (*OPTIONS.records(given, f"{method} {path}"), *extras)
    return Route(method=method, path=path, handler=handler, verb=verb, app=app, options=options, **texts)


class HttpVerbs(Part):
    """Records the HTTP declarations of an app. The decorators return the function unchanged."""

    prefix = ""

    @property
    def routes(self) -> list[Route]:
        """The routes declared so far."""
        return Declarations([self]).of(Route)

    def query(self, route: str, *extras: Option, **options: Unpack[QueryOptions]) -> Callable[[Answering], Answering]:
        """Declare a query: it serves ``"GET /products/{id}"`` and only reads. `extras` are the options of your own
        capabilities. Raises `BadRoute` and `OptionUnknown`."""
        return self._route("query", route, extras, {**options})

    def command(self, route: str, *extras: Option, **options: Unpack[CommandOptions]) -> Callable[[Handler], Handler]:
        """Declare a command: it serves ``"POST /orders"`` in one transaction. Raises `BadRoute` and `OptionUnknown`."""
        return self._route("command", route, extras, {"idempotency": "optional", **options})

    def uploads(self, path: str, *extras: Option, **options: Unpack[UploadsOptions]) -> Callable[[Handler], Handler]:
        """Receive resumable uploads at ``"/uploads"`` by the tus protocol.

        The function is called once per upload, in the transaction that finishes it: ``async def attach(tx: Tx, upload:
        Upload) -> None``. Raises `BadRoute` and `OptionUnknown`.
        """
        if not path.startswith("/"):
            raise BadRoute(route=path)
        given: dict[str, Any] = {**options}
        if "limit" in given:
            given["upload_limit"] = given.pop("limit")

        def record(handler: Handler) -> Handler:
            route = make_route("POST", self.prefix + path, handler, *extras, verb="command", app=self.name, **given)
            self.declare(*routes_of(route))
            return handler

        return record

    def downgrade(self, version: str) -> Callable[[Converting], Converting]:
        """Convert a type to its form in `version`, wherever a response contains it.

        ``def show_old(product: Product) -> ProductV1``, from what it is in the next newer version.
        """
        return self._convert("downgrade", version)

    def upgrade(self, version: str) -> Callable[[Converting], Converting]:
        """Convert a body's form in `version` to that in the next newer one, wherever a body contains it.

        ``def read_old(old: NewProductV1) -> NewProduct``. It may raise a `Problem` for a value without such a form.
        """
        return self._convert("upgrade", version)

    def problem(self, error: type[Exception]) -> Callable[[Translating], Translating]:
        """Declare the problem of an exception that handlers raise: `error` or a subclass.

        ``def bank_down(error: BankDown) -> Problem``. None means that it is unexpected: 500, and logged.
        """

        def record(translate: Translating) -> Translating:
            self.declare(Problems(error, translate))
            return translate

        return record

    def _convert(self, direction: Literal["downgrade", "upgrade"], version: str) -> Callable[[Converting], Converting]:
        def record(convert: Converting) -> Converting:
            self.declare(Converter(version=version, direction=direction, convert=convert))
            return convert

        return record

    def _route(
        self, verb: Verb, route: str, extras: tuple[Option, ...], options: dict[str, Any]
    ) -> Callable[[Answering], Answering]:
        method, space, path = route.partition(" ")
        if not (space and method.isupper() and path.startswith("/")):
            raise BadRoute(route=route)

        def record(handler: Answering) -> Answering:
            path_below = self.prefix + path if self.prefix and path != "/" else self.prefix or path
            self.declare(make_route(method, path_below, handler, *extras, verb=verb, app=self.name, **options))
            return handler

        return record
