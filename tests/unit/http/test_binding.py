"""What fills a handler's parameters, and what is refused when the backend is put together."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from headwater.binding import (
    AnnotationMissing,
    AnnotationUnresolved,
    HandlerError,
    NotAsync,
    ParameterMisplaced,
    ParameterUnbound,
)
from headwater.commit import Emitter, Tx
from headwater.db import Db
from headwater.http import Body, Header, Principal, Problem, Query, Request, Response, Route
from headwater.http.route.errors import OptionInvalid
from tests.unit.http.support import build, command, compiled, provided, query

if TYPE_CHECKING:
    from decimal import Decimal

ID = "0af76519-16cd-43dd-8448-eb211c80319c"


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Order(msgspec.Struct):
    product: UUID
    quantity: Annotated[int, Meta(ge=1)] = 1


class Meeting(msgspec.Struct):
    at: datetime


class User(msgspec.Struct):
    name: str


class Bank:
    pass


async def test_parameters_come_from_path_query_and_header() -> None:
    async def find(
        id: UUID,
        color: Color,
        limit: Annotated[int, Meta(le=100)] = 20,
        tags: list[str] = [],  # noqa: B006
        after: str | None = None,
        user_agent: Annotated[str, Header()] = "",
        levels: Annotated[list[int], Header("X-Levels")] = [],  # noqa: B006
        page: Annotated[int, Query("p")] = 1,
    ) -> list[Any]:
        return [id, color, limit, tags, after, user_agent, levels, page]

    built = build(query("/things/{id}", find))
    reply = await built.client.get(
        f"/things/{ID}?color=red&limit=5&tags=a&tags=b%26c&after=&p=2",
        headers={"User-Agent": "me", "X-Levels": "1, 2,3"},
    )
    assert reply.json() == [ID, "red", 5, ["a", "b&c"], "", "me", [1, 2, 3], 2]
    reply = await built.client.get(f"/things/{ID}?color=blue", headers={"User-Agent": "me"})
    assert reply.json() == [ID, "blue", 20, [], None, "me", [], 1]


async def test_a_struct_is_the_body() -> None:
    async def place(order: Order) -> Order:
        return order

    built = build(command("/orders", place))
    reply = await built.client.post("/orders", json={"product": ID})
    assert reply.json() == {"product": ID, "quantity": 1}


async def test_an_optional_body_may_be_absent() -> None:
    async def place(order: Order | None = None) -> bool:
        return order is None

    built = build(command("/orders", place))
    assert (await built.client.post("/orders")).json() is True
    assert (await built.client.post("/orders", json={"product": ID})).json() is False


async def test_a_marked_parameter_is_the_body_whatever_its_type() -> None:
    async def add(numbers: Annotated[list[int], Body()]) -> int:
        return sum(numbers)

    assert (await build(command("/sum", add)).client.post("/sum", json=[1, 2, 3])).json() == 6


async def test_a_datetime_in_a_body_or_a_parameter_has_an_offset() -> None:
    async def plan(meeting: Meeting, until: datetime) -> bool:
        return meeting.at < until

    client = build(command("/meetings", plan)).client
    at, until = "2026-01-31T12:30:00", "2026-01-31T12:31:00Z"
    refused = await client.post(f"/meetings?until={until}", json={"at": at})
    assert (refused.status, refused.json()["errors"]) == (
        422,
        [{"detail": "Expected `datetime` with a timezone component", "pointer": "#/at"}],
    )
    assert (await client.post(f"/meetings?until={at}", json={"at": until})).status == 422
    assert (await client.post(f"/meetings?until={until}", json={"at": f"{at}Z"})).json() is True


async def test_bytes_are_the_body_as_it_arrived() -> None:
    async def measure(data: Annotated[bytes, Body]) -> int:
        return len(data)

    built = build(command("/files", measure))
    reply = await built.client.post("/files", body=b"\x00\xff", headers={"Content-Type": "image/png"})
    assert reply.json() == 2


async def test_a_query_by_post_may_have_a_body() -> None:
    async def search(order: Order) -> int:
        return order.quantity

    built = build(query("/search", search, method="POST"))
    assert (await built.client.post("/search", json={"product": ID, "quantity": 3})).json() == 3


async def test_providers_fill_their_types_in_order_and_may_wait() -> None:
    asked = []

    async def user(request: Request) -> User:
        asked.append("user")
        request.principal = Principal("ann")
        return User(request.headers["X-User"])

    def bank(request: Request) -> Bank:
        asked.append("bank")
        return Bank()

    async def show(bank: Bank, user: User, request: Request) -> list[Any]:
        return [type(bank).__name__, user.name, request.principal and request.principal.id]

    built = build(query("/me", show), providers=[provided(User, user), provided(Bank, bank)])
    reply = await built.client.get("/me", headers={"X-User": "Ann"})
    assert reply.json() == ["Bank", "Ann", "ann"]
    assert asked == ["bank", "user"]


async def test_a_provider_refuses_before_the_body_is_looked_at() -> None:
    def user(request: Request) -> User:
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})

    async def place(user: User, order: Order) -> None: ...

    built = build(command("/orders", place), providers=[provided(User, user, statuses=(401,))])
    reply = await built.client.post("/orders", body=b"nonsense", headers={"Content-Type": "text/plain"})
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_the_database_and_keyword_only_parameters_are_bound() -> None:
    async def show(db: Db, *, id: int, limit: int = 3) -> list[Any]:
        return [db, id, limit]

    built = build(query("/a/{id}", show), db="the database")
    assert (await built.client.get("/a/7?limit=4")).json() == ["the database", 7, 4]


async def test_every_error_of_a_request_is_listed_at_once() -> None:
    async def place(
        order: Order,
        limit: int,
        color: Color,
        version: Annotated[int, Header("X-Version")],
        size: Annotated[int, Meta(le=9)] = 1,
    ) -> None: ...

    built = build(command("/orders", place))
    reply = await built.client.post(
        "/orders?limit=x&limti=1&color=red&color=blue&size=10", json={"product": "x", "quantity": 0}
    )
    assert reply.status == 422
    assert reply.json()["type"] == "urn:headwater:problem:invalid-request"
    assert reply.json()["errors"] == [
        {"detail": "There is no such parameter", "parameter": "limti", "in": "query"},
        {"detail": "Invalid UUID", "pointer": "#/product"},
        {"detail": "Expected `int` >= 1", "pointer": "#/quantity"},
        {"detail": "Expected an integer", "parameter": "limit", "in": "query"},
        {"detail": "Expected one value, got 2", "parameter": "color", "in": "query"},
        {"detail": "The parameter is missing", "parameter": "X-Version", "in": "header"},
        {"detail": "Expected `int` <= 9", "parameter": "size", "in": "query"},
    ]


async def test_a_parameter_that_nobody_asked_for_is_a_error() -> None:
    async def show(id: int) -> int:
        return id

    reply = await build(query("/a/{id}", show)).client.get("/a/1?verbose=1")
    assert reply.status == 422
    assert reply.json()["errors"] == [{"detail": "There is no such parameter", "parameter": "verbose", "in": "query"}]


async def test_whoever_takes_the_request_reads_the_query_string_as_it_likes() -> None:
    async def show(request: Request) -> dict[str, list[str]]:
        return request.query

    reply = await build(query("/a", show)).client.get("/a?x=1&x=2&y=")
    assert reply.json() == {"x": ["1", "2"], "y": [""]}


@pytest.mark.parametrize(
    ("body", "headers", "status", "extension"),
    [
        (b"", {"Content-Type": "application/json"}, 400, ("offset", None)),
        (b"", {}, 400, ("offset", None)),
        (b'{"product":', {"Content-Type": "application/json"}, 400, ("offset", 11)),
        (b'{"product":}', {"Content-Type": "application/json"}, 400, ("offset", 11)),
        (b'{"product":"\xff"}', {"Content-Type": "application/json"}, 400, ("offset", 12)),
        (b'{"product": 1} x', {"Content-Type": "application/json"}, 400, ("offset", 16)),
        (b"[" * 65 + b"]" * 65, {"Content-Type": "application/json"}, 400, ("offset", None)),
        (b"{}", {}, 415, ("offset", None)),
        (b"{}", {"Content-Type": "text/plain"}, 415, ("offset", None)),
        (b"{}", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415, ("offset", None)),
        (b"{}", {"Content-Type": "application/json; charset=latin-1"}, 415, ("offset", None)),
        (b"x" * 1001, {"Content-Type": "application/json"}, 413, ("limit", 1000)),
        (b'{"product":"\\u0000"}', {"Content-Type": "application/json"}, 422, ("offset", None)),
        (b"[1]", {"Content-Type": "application/json"}, 422, ("offset", None)),
    ],
)
async def test_a_bad_body_is_named_for_what_it_is(
    body: bytes, headers: dict[str, str], status: int, extension: tuple[str, Any]
) -> None:
    from headwater.settings import Settings

    async def place(order: Order) -> None: ...

    built = build(command("/orders", place), settings=Settings(body_limit=1000))
    reply = await built.client.post("/orders", body=body, headers=headers)
    assert reply.status == status
    assert reply.json().get(extension[0]) == extension[1]
    if status == 415:
        assert reply.headers["Accept-Post"] == "application/json"


async def test_nul_is_refused_where_postgresql_would_refuse_it() -> None:
    class Note(msgspec.Struct):
        text: str
        tags: dict[str, Any] = {}

    async def write(note: Note, title: str = "") -> None: ...

    client = build(command("/notes", write)).client
    reply = await client.post("/notes", json={"text": "a\0b", "tags": {"x\0": ["\0"]}})
    assert [error["pointer"] for error in reply.json()["errors"]] == ["#/text", "#/tags/x%00", "#/tags/x%00/0"]
    assert (await client.post("/notes?title=%00", json={"text": "a"})).status == 422
    assert (await client.post("/notes", json={"text": r"a\u0000b"})).status == 204


async def bad_untyped(id) -> None: ...  # type: ignore[no-untyped-def]
async def bad_no_answer(id: int): ...  # type: ignore[no-untyped-def]
async def bad_hidden(id: "Decimal") -> None: ...
async def bad_class(bank: Bank) -> None: ...
async def bad_list_of_structs(orders: list[Order]) -> None: ...
async def bad_variadic(*ids: int) -> None: ...
async def bad_body_type(body: Annotated[Bank, Body()]) -> None: ...
async def bad_header(orders: Annotated[Order, Header()]) -> None: ...
async def bad_two_bodies(a: Order, b: Order) -> None: ...
async def bad_tx(tx: Tx) -> None: ...
async def bad_db(db: Db) -> None: ...
async def bad_emitter(emitter: Emitter) -> None: ...
async def bad_get_body(order: Order) -> None: ...
async def bad_path(id: list[int]) -> None: ...
async def good(id: int) -> int: ...


def bad_sync(id: int) -> None: ...


async def bad_command_stream(tx: Tx) -> AsyncIterator[int]:
    yield 1


REFUSED = [
    (query("/a", bad_untyped), AnnotationMissing, ["parameter `id`", "id: int"]),
    (query("/a", bad_no_answer), AnnotationMissing, ["the answer", "-> None"]),
    (query("/a", bad_hidden), AnnotationUnresolved, ["Decimal", "TYPE_CHECKING"]),
    (query("/a", bad_class), ParameterUnbound, ["bank: Bank", "@app.provide"]),
    (query("/a", bad_list_of_structs, method="POST"), ParameterUnbound, ["orders", "Body()"]),
    (query("/a", bad_variadic), ParameterUnbound, ["ids", "request: Request"]),
    (command("/a", bad_body_type), ParameterUnbound, ["body: Bank", "JSON"]),
    (query("/a", bad_header), ParameterUnbound, ["orders: Order", "header"]),
    (command("/a", bad_two_bodies), ParameterMisplaced, ["b: Order", "`a`", "one Struct"]),
    (query("/a", bad_tx), ParameterMisplaced, ["tx: Tx", "db: Db"]),
    (command("/a", bad_db), ParameterMisplaced, ["db: Db", "tx: Tx"]),
    (command("/a", bad_emitter), ParameterMisplaced, ["emitter: Emitter", "tx.emit"]),
    (query("/a", bad_get_body), ParameterMisplaced, ["order: Order", "GET"]),
    (query("/a/{id}", bad_path), ParameterUnbound, ["id: list[int]", "path segment"]),
    (query("/a", bad_sync), NotAsync, ["async def"]),
    (command("/a", bad_command_stream), OptionInvalid, ["stream"]),
    (query("/a", good, idempotency="required"), OptionInvalid, ["idempotency"]),
    (query("/a", good, status=204), OptionInvalid, ["status=204"]),
]


@pytest.mark.parametrize(("route", "error", "words"), REFUSED, ids=lambda each: getattr(each, "name", None))
def test_a_handler_that_cannot_be_served_is_refused_with_the_mend(
    route: Route, error: type[HandlerError], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        compiled(route)
    message = str(caught.value)
    assert str(route) in message
    assert route.name in message
    for word in words:
        assert word in message


async def test_a_response_is_handed_through() -> None:
    async def show() -> Response:
        return Response("hi", status=202, headers={"X-A": "b"}, media_type="text/plain")

    reply = await build(query("/a", show)).client.get("/a", headers={"Accept": "image/png"})
    assert (reply.status, reply.text, reply.headers["x-a"]) == (202, "hi", "b")
    assert reply.headers["content-type"] == "text/plain"
