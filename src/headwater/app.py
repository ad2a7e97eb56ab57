"""App and Backend: an app declares what there is; the backend is the one place where the parts meet."""

import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from headwater.clock import Clock, SystemClock
from headwater.commit import Committer, Tx
from headwater.consumer import Subscription
from headwater.db import Db, Pool, Source, pending
from headwater.errors import HeadwaterError
from headwater.http import HttpApp, Resources, Route
from headwater.settings import Settings, read_settings
from headwater.types import Changed, Event

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])
Interest = type[Event] | type[Changed[Any]]
Seed = Callable[[Tx], Awaitable[str | None]]

PLATFORM = Source("headwater", "headwater", Path(__file__).parent / "migrations")
"""The platform's own schema: the log, the watermarks, the idempotency records."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


class AppError(HeadwaterError):
    """The backend is put together wrongly."""


class BadName(AppError):
    """{name!r} is no name for an app: lower-case letters, digits and underscores, a letter first, at most 40."""


class BadRoute(AppError):
    """{route!r} is no route; one looks like "GET /orders/{{id}}"."""


class NameTaken(AppError):
    """{what} {name!r} is declared twice: by {first} and by {second}."""


class NoTable(AppError):
    """{row} names no table, so its changes cannot be followed: class {row}(Row, table="schema.table")."""


class SettingMissing(AppError):
    """HEADWATER_POSTGRES_URL is not set: a Backend on its own starts no engine. `headwater up` does."""


class App:
    """A named group of routes and handlers with its own PostgreSQL schema and migrations.

    The decorators record a function and return it unchanged, so that a test can call it like any other. `migrations`
    is a folder, by default the one of that name beside the module that makes the app; `schema` is by default the
    app's name. Raises `BadName` for a name that cannot be a schema.
    """

    def __init__(self, name: str, *, schema: str | None = None, migrations: Path | str = "migrations") -> None:
        for word in (name, schema or name):
            if _NAME.fullmatch(word) is None:
                raise BadName(name=word)
        self.name = name
        self.source = Source(name, schema or name, _folder_of_caller() / migrations)
        self.routes: list[Route] = []
        self.subscriptions: list[Subscription] = []

    def __repr__(self) -> str:
        return f"App({self.name!r})"

    def query(self, route: str, *, status: int = 200, **options: Any) -> Callable[[Handler], Handler]:
        """Answer ``"GET /products/{id}"`` by reading; never writes."""
        return self._route("query", route, status=status, **options)

    def command(
        self,
        route: str,
        *,
        status: int = 200,
        location: str | None = None,
        idempotency: Literal["none", "optional", "required"] = "optional",
        **options: Any,
    ) -> Callable[[Handler], Handler]:
        """Answer ``"POST /orders"`` by writing: one transaction, one commit.

        `location` is the template of the Location header, filled from the answer's fields: ``"/orders/{id}"``.
        """
        return self._route("command", route, status=status, location=location, idempotency=idempotency, **options)

    def on(
        self, *events: Interest, name: str | None = None, batch: int | None = None, **options: Any
    ) -> Callable[[Handler], Handler]:
        """Apply every such event to this database exactly once, in order per key.

        `name` is what the consumer's progress is stored under, by default the function's; renaming it starts anew.
        With `batch` the handler receives up to that many events of one type at a time, as a list.
        """

        def record(handler: Handler) -> Handler:
            full_name = f"{self.name}.{name or _name_of(handler)}"
            self.subscriptions.append(
                Subscription(name=full_name, app=self.name, events=events, handler=handler, batch=batch, **options)
            )
            return handler

        return record

    def _route(self, verb: Literal["query", "command"], route: str, **options: Any) -> Callable[[Handler], Handler]:
        method, space, path = route.partition(" ")
        if not (space and method.isupper() and path.startswith("/")):
            raise BadRoute(route=route)

        def record(handler: Handler) -> Handler:
            self.routes.append(Route(method=method, path=path, handler=handler, verb=verb, app=self.name, **options))
            return handler

        return record


class Backend:
    """Several apps as one service: an ASGI application, and what `headwater up` runs.

    `mounts` maps a prefix to any ASGI application. `seed` receives a `Tx` once, the first time the backend is started
    on an empty database, and may answer with a sentence for the start screen. Raises an `AppError` when parts clash.
    """

    def __init__(
        self,
        *apps: App,
        mounts: Mapping[str, Any] | None = None,
        title: str | None = None,
        version: str = "1",
        seed: Seed | None = None,
    ) -> None:
        self.apps = apps
        self.mounts = dict(mounts or {})
        self.title = title or " and ".join(app.name for app in apps) or "headwater"
        self.version = version
        self.seed = seed
        self.routes = tuple(route for app in apps for route in app.routes)
        self.subscriptions = tuple(subscription for app in apps for subscription in app.subscriptions)
        self.sources = (PLATFORM, *(app.source for app in apps))
        self.published = _published_tables(self.subscriptions)
        _refuse_twins("app", [(app.name, str(app.source.folder)) for app in apps])
        _refuse_twins("consumer", [(s.name, _place_of(s.handler)) for s in self.subscriptions])
        _refuse_twins("event type", _event_types(self.subscriptions))
        self._running: _Running | None = None
