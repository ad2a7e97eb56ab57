"""HTTP down to PostgreSQL: what a client is told about commits, keys, conflicts and values that cannot be stored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec import Meta

from headwater.commit import Tx
from headwater.db import Db, migrate, platform_source
from headwater.engines import EmbeddedPostgres
from headwater.http import Problem, Response
from headwater.http.verbs import make_route
from headwater.testing import eventually
from headwater.testing.client import Client, Reply
from headwater.types import Event, Row
from tests.integration.db.servers import execute, folder_for_servers, value
from tests.integration.http.serving import serving

TABLES = """
create table product (id uuid primary key, name text not null unique, price integer not null check (price >= 0));
create table purchase (id uuid primary key, product uuid not null references product, quantity bigint not null);
"""


class Product(Row):
    id: UUID
    name: str
    price: int


class NewProduct(msgspec.Struct):
    name: str
    price: int = 1
    id: UUID | None = None


class NewPurchase(msgspec.Struct):
    product: UUID
    quantity: Annotated[int, Meta(ge=1)]


class Purchase(Row):
    id: UUID
    product: UUID
    quantity: int


class Bought(Event, key="product"):
    product: UUID


async def show(db: Db, id: UUID) -> Product:
    return await db.one(Product, "select * from product where id = $1", id)


async def export(db: Db, up_to: int) -> AsyncIterator[Product]:
    return db.stream(
        Product,
        "select gen_random_uuid() as id, n::text as name, 10 / ($1 - n) as price from generate_series(1, 2000) n",
        up_to,
    )


async def add(tx: Tx, product: NewProduct) -> Product:
    sql = "insert into product values ($1, $2, $3) returning *"
    return await tx.one(Product, sql, product.id or uuid4(), product.name, product.price)


async def remove(tx: Tx, id: UUID) -> None:
    await tx.run("delete from product where id = $1", id)


async def buy(tx: Tx, purchase: NewPurchase) -> Purchase | Response:
    sql = "insert into purchase values (gen_random_uuid(), $1, $2) returning *"
    bought = await tx.one(Purchase, sql, purchase.product, purchase.quantity)
    tx.emit(Bought(product=purchase.product))
    if purchase.quantity == 13:
        raise Problem(409, detail="Unlucky.")
    return Response(status=402) if purchase.quantity == 14 else bought


ROUTES = [
    make_route(method="GET", path="/products/{id}", handler=show),
    make_route(method="GET", path="/export", handler=export),
    make_route(method="POST", path="/products", handler=add, verb="command", status=201, location="/products/{id}"),
    make_route(method="DELETE", path="/products/{id}", handler=remove, verb="command"),
    make_route(method="POST", path="/purchases", handler=buy, verb="command", status=201, idempotency="required"),
]


@asynccontextmanager
async def shop(url: str) -> AsyncIterator[Client]:
    """The shop as one worker serves it, with one product."""
    await execute(url, TABLES, f"insert into product values ('{UUID(int=1)}', 'chair', 5)")
    async with serving(url, ROUTES) as client:
        yield client


def kind_of(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json()["type"].removeprefix("urn:headwater:problem:")


async def purchase(client: Client, key: str, quantity: int = 1) -> Reply:
    body = {"product": UUID(int=1), "quantity": quantity}
    return await client.post("/purchases", json=body, headers={"Idempotency-Key": f'"{key}"'})


async def test_rows_are_read_and_written(url: str) -> None:
    async with shop(url) as client:
        created = await client.post("/products", json={"name": "table", "price": 9})
        assert created.status == 201
        shown = await client.get(created.headers["location"])
        assert shown.json() == {"id": created.json()["id"], "name": "table", "price": 9}
        assert (await client.delete(created.headers["location"])).status == 204
        assert kind_of(await client.get(created.headers["location"])) == (404, "about:blank")


async def test_fifty_duplicates_at_once_are_one_purchase_and_one_answer(url: str) -> None:
    async with shop(url) as client:
        replies = await asyncio.gather(*(purchase(client, "k") for _ in range(50)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body for reply in replies}) == 1
    assert sum("idempotent-replayed" not in reply.headers for reply in replies) == 1
    assert await value(url, "select count(*) from purchase") == 1


async def test_a_key_stands_for_one_request_also_in_another_worker(url: str) -> None:
    async with shop(url) as client:
        first = await purchase(client, "k")
        await execute(url, "alter table product rename to product_", "alter table purchase rename to purchase_")
        async with shop(url) as other:
            again = await purchase(other, "k")
            assert (again.status, again.body) == (201, first.body)
            assert again.headers["idempotent-replayed"] == "true"
            assert kind_of(await purchase(other, "k", quantity=2)) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(("quantity", "status"), [(13, 409), (14, 402)])
async def test_an_error_leaves_neither_row_nor_record(url: str, quantity: int, status: int) -> None:
    async with shop(url) as client:
        for _ in range(2):
            assert (await purchase(client, "k", quantity)).status == status
        assert await value(url, "select count(*) from purchase") == 0
        assert await value(url, "select count(*) from headwater.idempotency") == 0
        assert (await purchase(client, "k", 1)).status == 201


async def test_what_the_database_refuses_is_told_without_its_secrets(url: str) -> None:
    async with shop(url) as client:
        await purchase(client, "k")
        unknown = {"product": uuid4(), "quantity": 1}
        replies = {
            "unique": await client.post("/products", json={"name": "chair"}),
            "check": await client.post("/products", json={"name": "debt", "price": -1}),
            "reference": await client.post("/purchases", json=unknown, headers={"Idempotency-Key": "x"}),
            "referenced": await client.delete(f"/products/{UUID(int=1)}"),
            "range": await client.post("/products", json={"name": "gold", "price": 2**40}),
            "beyond": await purchase(client, "y", quantity=2**70),
        }
    assert {name: kind_of(reply) for name, reply in replies.items()} == {
        "unique": (409, "conflict"),
        "check": (409, "rule-broken"),
        "reference": (422, "reference-missing"),
        "referenced": (409, "still-referenced"),
        "range": (422, "value-unstorable"),
        "beyond": (422, "value-unstorable"),
    }
    for reply in replies.values():
        for secret in ("product_", "purchase_", "violates", "chair", "int4", "argument"):
            assert secret not in reply.text


async def test_a_stream_comes_from_a_cursor_and_gives_its_connection_back(url: str) -> None:
    async with shop(url) as client:
        whole = await client.get("/export?up_to=100000")
        assert (whole.complete, len(whole.body.splitlines())) == (True, 2000)
        broken = await client.get("/export?up_to=1500")
        assert (broken.status, broken.complete) == (200, False)
        last: dict[str, Any] = msgspec.json.decode(broken.body.splitlines()[-1])
        assert (last["status"], last["request_id"]) == (500, broken.headers["x-request-id"])
        for _ in range(20):  # more than the pool has connections
            assert (await client.head("/export?up_to=100000")).status == 200
        assert (await client.get("/export?up_to=1")).status == 500


async def test_while_the_database_is_down_there_are_problems_and_then_answers_again() -> None:
    with folder_for_servers() as folder:
        engine = EmbeddedPostgres(folder / "postgres", durable=False)
        await engine.start()
        await migrate(engine.url, [platform_source()])
        async with shop(engine.url) as client:
            assert (await purchase(client, "k")).status == 201
            await engine.stop()
            for reply in [await client.get(f"/products/{UUID(int=1)}"), await purchase(client, "l")]:
                assert kind_of(reply) == (503, "unavailable")
                assert int(reply.headers["retry-after"]) >= 1
            engine = EmbeddedPostgres(folder / "postgres", durable=False)
            await engine.start()
            await eventually(lambda: purchase(client, "l"), lambda reply: reply.status == 201)
            assert (await purchase(client, "k")).headers["idempotent-replayed"] == "true"
            assert await value(engine.url, "select count(*) from purchase") == 2
        await engine.stop()
