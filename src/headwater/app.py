"""An app: a named group of routes and handlers, as it declares them."""

import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Unpack

from headwater.backoff import Backoff
from headwater.consumer import Interest, Subscription
from headwater.db import Source
from headwater.errors import HeadwaterError
from headwater.http import Route
from headwater.http.files.tus import routes_of
from headwater.http.route.options import CommandOptions, QueryOptions, UploadsOptions
from headwater.http.version import Converter

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])
Answering = TypeVar("Answering", bound=Callable[..., Awaitable[Any] | AsyncIterator[Any]])
Converting = TypeVar("Converting", bound=Callable[[Any], Any])

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


class AppError(HeadwaterError):
    """The backend is put together wrongly."""


class BadName(AppError):
    """{name!r} is no name for an app: lower-case letters, digits and underscores, a letter first, at most 40; neither
    headwater nor pg_…, which are taken."""


class BadRoute(AppError):
    """{route!r} is no route; one looks like "GET /orders/{{id}}"."""


class App:
    """A named group of routes and handlers with its own PostgreSQL schema and migrations.

    The decorators record a function and return it unchanged, so that a test can call it like any other. `migrations`
    is a folder beside the module that makes the app; an app without that folder has no tables of its own. `schema` is
    by default the app's name. `description` says in the documentation what the app is for. Raises `BadName` for a name
    that cannot be a schema.
    """

    def __init__(
        self, name: str, *, description: str = "", schema: str | None = None, migrations: Path | str = "migrations"
    ) -> None:
        for word in (name, schema or name):
            if _NAME.fullmatch(word) is None or word == "headwater" or word.startswith("pg_"):
                raise BadName(name=word)
        self.name = name
        self.description = description
        self.source = Source(name, schema or name, _folder_of_module(sys._getframe(1).f_globals) / migrations)
        self.routes: list[Route] = []
        self.subscriptions: list[Subscription] = []
        self.converters: list[Converter] = []

    def __repr__(self) -> str:
        return f"App({self.name!r})"

    def query(self, route: str, **options: Unpack[QueryOptions]) -> Callable[[Answering], Answering]:
        """Answer ``"GET /products/{id}"`` by reading; never writes. Raises `BadRoute`."""
        return self._route("query", route, options)

    def command(self, route: str, **options: Unpack[CommandOptions]) -> Callable[[Handler], Handler]:
        """Answer ``"POST /orders"`` by writing: one transaction, one commit. Raises `BadRoute`."""
        return self._route("command", route, {"idempotency": "optional", **options})

    def uploads(self, path: str, **options: Unpack[UploadsOptions]) -> Callable[[Handler], Handler]:
        """Take resumable uploads at ``"/uploads"``, by the tus protocol.

        The function is called once for each, in the transaction that finishes it: ``async def attach(tx: Tx, upload:
        Upload) -> None``. Raises `BadRoute`.
        """
        if not path.startswith("/"):
            raise BadRoute(route=path)
        given: dict[str, Any] = {**options}
        if "limit" in given:
            given["upload_limit"] = given.pop("limit")

        def record(handler: Handler) -> Handler:
            declared = Route(method="POST", path=path, handler=handler, verb="command", app=self.name, **given)
            self.routes += routes_of(declared)
            return handler

        return record

    def downgrade(self, version: str) -> Callable[[Converting], Converting]:
        """Make of a type what it was in `version`, for every answer that is or holds it.

        ``def show_old(product: Product) -> ProductV1``, from what it is in the next newer version.
        """
        return self._convert("downgrade", version)

    def upgrade(self, version: str) -> Callable[[Converting], Converting]:
        """Make of what a body was in `version` what it is in the next newer one.

        ``def read_old(old: NewProductV1) -> NewProduct``, for every body that is or holds it. It may raise a `Problem`
        for what has no such form.
        """
        return self._convert("upgrade", version)

    def on(
        self,
        *events: Interest,
        name: str | None = None,
        batch: int | None = None,
        retries: int = 8,
        backoff: Backoff = Backoff(),  # noqa: B008 - frozen
        timeout: float = 30.0,
        start: Literal["start", "latest"] = "start",
        old: Sequence[str] = (),
    ) -> Callable[[Handler], Handler]:
        """Apply every such event to this database exactly once, in order per key.

        `name` is what the consumer's progress is stored under, by default the function's; renaming it starts anew.
        With `batch` the handler receives up to that many events at once, as a list in the order of the log. An event
        that fails is tried `retries` times more, after the waits of `backoff`, and then parked with its key; a call
        that takes longer than `timeout` seconds has failed. A new consumer reads the whole log; with
        ``start="latest"``, what comes from now on. `old` names columns of followed rows: `Changed.old` says what they
        were before, where the table's replica identity logs it.
        """

        def record(handler: Handler) -> Handler:
            self.subscriptions.append(
                Subscription(
                    name=f"{self.name}.{name or _name_of(handler)}",
                    app=self.name,
                    events=events,
                    handler=handler,
                    batch=batch,
                    retries=retries,
                    backoff=backoff,
                    timeout=timeout,
                    start=start,
                    old=tuple(old),
                )
            )
            return handler

        return record

    def _convert(self, direction: Literal["downgrade", "upgrade"], version: str) -> Callable[[Converting], Converting]:
        def record(convert: Converting) -> Converting:
            self.converters.append(Converter(version=version, direction=direction, convert=convert))
            return convert

        return record

    def _route(
        self, verb: Literal["query", "command"], route: str, options: QueryOptions | CommandOptions
    ) -> Callable[[Answering], Answering]:
        method, space, path = route.partition(" ")
        if not (space and method.isupper() and path.startswith("/")):
            raise BadRoute(route=route)

        def record(handler: Answering) -> Answering:
            self.routes.append(Route(method=method, path=path, handler=handler, verb=verb, app=self.name, **options))
            return handler

        return record


def _folder_of_module(names: Mapping[str, Any]) -> Path:
    file = names.get("__file__")
    return Path(file).resolve().parent if file else Path.cwd()


def _name_of(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__name__", type(handler).__name__)
