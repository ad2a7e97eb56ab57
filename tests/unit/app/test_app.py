"""Apps and how a backend is put together of them."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import headwater
from headwater import App, Backend, Changed, Db, Event, Row, Tx
from headwater.app import AppError, BadName
from headwater.backend import DeclaredTwice, NotOpen
from headwater.binding import HandlerError, Services
from headwater.db import Source
from headwater.db.migration import EditedFile
from headwater.db.pools import EngineUnnamed
from headwater.http.binding.options import ResponseOption
from headwater.http.command.options import IdempotencyOption
from headwater.http.verbs import BadRoute
from headwater.part import Declarations
from headwater.readiness import Readiness
from headwater.settings import Settings


class Shelf(Row, table="library.shelf"):
    id: UUID
    label: str


class Lent(Event, key="book"):
    book: UUID


def test_a_handler_stays_the_function_that_it_was() -> None:
    app = App("library")

    async def show(db: Db, id: UUID) -> Shelf:
        return await db.one(Shelf, "select * from library.shelf where id = $1", id)

    async def follow(tx: Tx, event: Lent) -> None: ...

    assert app.query("GET /shelves/{id}")(show) is show
    assert app.command("POST /shelves")(show) is show
    assert app.on(Lent)(follow) is follow


def test_an_app_records_what_is_declared_on_it() -> None:
    app = App("library")

    @app.query("GET /shelves/{id}")
    async def show(db: Db, id: UUID) -> Shelf:
        return await db.one(Shelf, "select * from library.shelf where id = $1", id)

    @app.command("POST /loans", status=201, location="/loans/{id}", idempotency="required")
    async def lend(tx: Tx) -> Shelf:
        return await tx.one(Shelf, "select * from library.shelf")

    @app.on(Lent, batch=100, retries=2)
    async def count(tx: Tx, events: list[Lent]) -> None: ...

    @app.on(Lent, name="again")
    async def count_again(tx: Tx, event: Lent) -> None: ...

    statuses = [route.option(ResponseOption).status for route in app.routes]
    keys = [route.option(IdempotencyOption).idempotency for route in app.routes]
    routes = [(route.verb, str(route), route.app) for route in app.routes]
    assert [(*route, status, key) for route, status, key in zip(routes, statuses, keys, strict=True)] == [
        ("query", "GET /shelves/{id}", "library", 200, "none"),
        ("command", "POST /loans", "library", 201, "required"),
    ]
    assert [(s.name, s.batch, s.retries) for s in app.subscriptions] == [
        ("library.count", 100, 2),
        ("library.again", None, 8),
    ]


@pytest.mark.parametrize("name", ["", "Shop", "1shop", "my shop", "pg_shop", "headwater", "x" * 41])
def test_a_name_that_cannot_be_a_schema_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        App(name)


@pytest.mark.parametrize("route", ["/orders", "GET", "get /orders", "GET orders", "GET  /orders", ""])
def test_what_is_no_route_is_refused(route: str) -> None:
    with pytest.raises(BadRoute, match=re.escape('An example: "GET /orders/{id}"')):
        App("shop").query(route)


def test_migrations_stand_beside_the_module_that_makes_the_app() -> None:
    assert App("library").source.folder == Path(__file__).parent / "migrations"
    assert App("library", migrations=Path("/srv/sql"), schema="books").source == Source(
        "library", "books", Path("/srv/sql")
    )


def test_an_app_without_migrations_has_no_tables_of_its_own() -> None:
    assert [source.app for source in Backend(App("library")).sources] == ["headwater"]


def test_the_platforms_own_migrations_come_first(tmp_path: Path) -> None:
    apps = [App("first", migrations=tmp_path), App("second", migrations=tmp_path)]
    assert [source.app for source in Backend(*apps).sources] == ["headwater", "first", "second"]


def test_tables_that_somebody_follows_are_published() -> None:
    app = App("library")

    @app.on(Changed[Shelf])
    async def follow(tx: Tx, event: Changed[Shelf]) -> None: ...

    assert Backend(app).published == {"library.shelf": ()}


def test_two_apps_of_one_name_are_refused() -> None:
    with pytest.raises(DeclaredTwice, match="app 'library' is declared twice"):
        Backend(App("library"), App("library"))


def test_two_consumers_of_one_name_are_refused() -> None:
    app = App("library")

    async def follow(tx: Tx, event: Lent) -> None: ...

    app.on(Lent)(follow)
    app.on(Lent)(follow)
    with pytest.raises(DeclaredTwice, match=r"consumer 'library\.follow' is declared twice"):
        Backend(app)


def test_two_event_types_of_one_name_are_refused() -> None:
    app = App("library")
    other = type("Lent", (Event,), {"__annotations__": {"book": UUID}, "__module__": "elsewhere"}, key="book")

    @app.on(Lent)
    async def follow(tx: Tx, event: Lent) -> None: ...

    @app.on(other)
    async def follow_other(tx: Tx, event: Event) -> None: ...

    with pytest.raises(DeclaredTwice, match=r"event type 'Lent' .*test_app\.Lent.* elsewhere\.Lent"):
        Backend(app)


def test_one_event_may_have_many_followers() -> None:
    app = App("library")

    @app.on(Lent)
    async def one(tx: Tx, event: Lent) -> None: ...

    @app.on(Lent)
    async def two(tx: Tx, event: Lent) -> None: ...

    assert len(Backend(app).subscriptions) == 2


def test_a_backend_is_called_after_its_apps() -> None:
    assert Backend(App("library"), App("shop")).title == "library and shop"
    assert Backend(App("library"), title="City").title == "City"


def test_a_route_that_cannot_be_served_is_found_without_an_engine() -> None:
    app = App("library")

    @app.query("GET /shelves/{id}")
    async def show(db: Db, number: int) -> Shelf:
        return await db.one(Shelf, "select * from library.shelf")

    with pytest.raises(HandlerError, match="show"):
        Backend(app).check()


def test_a_consumer_that_cannot_run_is_found_without_an_engine() -> None:
    app = App("library")

    @app.on(Lent)
    async def follow(whatever: complex) -> None: ...

    with pytest.raises(HandlerError, match=r"library\.follow"):
        Backend(app).check()


def test_the_openapi_document_needs_no_engine() -> None:
    app = App("library")

    @app.query("GET /shelves/{id}")
    async def show(db: Db, id: UUID) -> Shelf:
        return await db.one(Shelf, "select * from library.shelf where id = $1", id)

    document = Backend(app, version="7").openapi()
    assert document["info"]["version"] == "7"
    assert list(document["paths"]) == ["/shelves/{id}"]


async def test_a_backend_on_its_own_needs_the_url_of_an_engine() -> None:
    backend = Backend(App("library"))
    with pytest.raises(EngineUnnamed):
        await backend.open(Settings())
    with pytest.raises(NotOpen):
        _ = backend.opened


async def test_the_lifespan_says_why_it_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWATER_POSTGRES_URL", raising=False)
    said: list[dict[str, str]] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, str]) -> None:
        said.append(message)

    await Backend(App("library"))({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in said] == ["lifespan.startup.failed"]
    assert "HEADWATER_POSTGRES_URL" in said[0]["message"]


def test_every_error_of_a_backend_has_one_root() -> None:
    assert issubclass(BadName, AppError)
    assert issubclass(DeclaredTwice, headwater.HeadwaterError)


def test_everything_public_can_be_imported() -> None:
    assert {name: getattr(headwater, name).__name__ for name in headwater.__all__}.keys() == set(headwater.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = headwater.Nothing


def test_importing_the_package_imports_no_driver_and_no_server() -> None:
    code = "import sys, headwater; print([m for m in ('asyncpg', 'granian', 'psycopg', 'msgspec') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


async def test_what_is_not_ready_is_said_without_the_folders_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("shop", "shop", Path("/srv/secret/shop/migrations"))

    async def edited(*arguments: Any, **options: Any) -> list[Any]:
        raise EditedFile(path=source.folder / "0001_shop.expand.sql", applied_at=datetime(2026, 1, 1, tzinfo=UTC))

    monkeypatch.setattr("headwater.readiness.pending", edited)
    (reason,) = await Readiness(Declarations(), (source,), Services((), {Settings: Settings()}))()
    assert "0001_shop.expand.sql" in reason
    assert "/srv" not in reason
