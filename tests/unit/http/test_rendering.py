"""Answers: from what a handler returns to what goes over the wire."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from headwater.commit import Tx
from headwater.http import Response
from headwater.http.route.errors import LocationTemplateInvalid, OptionInvalid, ReturnTypeInvalid, RouteError
from tests.unit.http.support import build, command, compiled, query


class Order(msgspec.Struct):
    id: UUID
    name: str = "a/b ü"


class Sale(msgspec.Struct, tag=True):
    id: int
    name: str = ""


class Refund(msgspec.Struct, tag=True):
    id: int


class Opaque:
    pass


async def test_the_return_type_is_written_as_json() -> None:
    order = Order(uuid4())

    async def show() -> Order:
        return order

    reply = await build(query("/a", show)).client.get("/a")
    assert reply.json(Order) == order
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("status", "expected"), [(200, 204), (202, 202), (205, 205)])
async def test_none_is_an_empty_answer(status: int, expected: int) -> None:
    async def touch(tx: Tx) -> None: ...

    reply = await build(command("/a", touch, status=status)).client.post("/a")
    assert (reply.status, reply.body) == (expected, b"")
    assert "content-type" not in reply.headers
    assert ("content-length" in reply.headers) is (expected != 204)


async def test_none_among_other_values_is_null() -> None:
    async def maybe() -> Order | None:
        return None

    reply = await build(query("/a", maybe)).client.get("/a")
    assert (reply.status, reply.body) == (200, b"null")


async def test_a_route_chooses_its_status_and_location() -> None:
    async def place(tx: Tx) -> Order:
        return Order(UUID(int=1))

    built = build(command("/orders", place, status=201, location="/orders/{id}/of/{name}"))
    reply = await built.client.post("/orders")
    assert reply.status == 201
    assert reply.headers["location"] == f"/orders/{UUID(int=1)}/of/a%2Fb%20%C3%BC"


async def test_a_response_may_stand_beside_a_schema() -> None:
    async def show(id: int) -> Order | Response:
        return Order(UUID(int=1)) if id else Response(status=303, headers={"Location": "/else"})

    client = build(query("/a/{id}", show)).client
    assert (await client.get("/a/1")).status == 200
    reply = await client.get("/a/0")
    assert (reply.status, reply.headers["location"]) == (303, "/else")


async def test_head_answers_as_get_without_the_body() -> None:
    async def show() -> list[int]:
        return [1, 2]

    client = build(query("/a", show)).client
    get, head = await client.get("/a"), await client.head("/a")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert set(head.headers) == set(get.headers)


async def unlocated() -> Order: ...
async def union() -> Sale | Refund: ...
async def opaque() -> Opaque: ...
async def nested() -> list[Opaque]: ...
async def nothing() -> None: ...
async def response() -> Response: ...
async def mapping() -> dict[str, Any]: ...


@pytest.mark.parametrize(
    ("handler", "options", "error", "words"),
    [
        (unlocated, {"location": "/orders/{nummer}"}, LocationTemplateInvalid, ["nummer", "id, name"]),
        (unlocated, {"location": "orders/{id}"}, LocationTemplateInvalid, ["slash"]),
        (union, {"location": "/orders/{name}"}, LocationTemplateInvalid, ["name", "id"]),
        (nothing, {"location": "/orders/{id}"}, LocationTemplateInvalid, ["empty"]),
        (response, {"location": "/orders/{id}"}, LocationTemplateInvalid, ["Response"]),
        (mapping, {"location": "/orders/{id}"}, LocationTemplateInvalid, ["none"]),
        (opaque, {}, ReturnTypeInvalid, ["Opaque", "Response"]),
        (nested, {}, ReturnTypeInvalid, ["list", "Response"]),
        (unlocated, {"status": 204}, OptionInvalid, ["status=204"]),
    ],
)
def test_an_answer_that_cannot_be_written_is_refused(
    handler: Any, options: dict[str, Any], error: type[RouteError], words: list[str]
) -> None:
    route = query("/a", handler, **options)
    with pytest.raises(error) as caught:
        compiled(route)
    for word in ["GET /a", handler.__name__, *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(("status", "body"), [(99, b""), (101, b""), (600, b""), (204, b"x"), (304, "x")])
def test_a_response_that_could_not_be_sent_is_refused(status: int, body: bytes | str) -> None:
    with pytest.raises(ValueError, match=str(status)):
        Response(body, status=status)


async def test_a_location_that_all_alternatives_have_is_fine() -> None:
    async def either(tx: Tx) -> Sale | Refund:
        return Refund(7)

    reply = await build(command("/a", either, location="/a/{id}")).client.post("/a")
    assert reply.headers["location"] == "/a/7"
