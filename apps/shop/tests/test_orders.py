"""Placing orders, and what becomes of them."""

import asyncio
from uuid import UUID, uuid4

import pytest

from apps.shop import store
from apps.shop.rows import NewOrder, OrderPlaced, Product
from apps.shop.stock import reserve_stock
from headwater import CheckFailed, uuid7
from headwater.testing import RunningBackend


async def put(backend: RunningBackend, stock: int) -> UUID:
    product = Product(id=uuid7(), name="Mug", price=1400, stock=stock)
    async with backend.transaction() as tx:
        await tx.copy("shop.product", [product])
    return product.id


async def test_an_order_is_placed_and_its_stock_reserved(backend: RunningBackend) -> None:
    product = await put(backend, stock=5)
    placed = await backend.client.post("/orders", json={"product": str(product), "quantity": 2}, idempotency_key="k1")
    order = placed.json()
    assert (placed.status, placed.headers["location"]) == (201, f"/orders/{order['id']}")
    assert order == {"id": order["id"], "product": str(product), "quantity": 2, "state": "placed"}
    await backend.settle()
    assert (await backend.client.get(f"/orders/{order['id']}")).json()["state"] == "reserved"
    assert (await backend.client.get(f"/products/{product}")).json()["stock"] == 3


async def test_an_order_for_more_than_there_is_gets_nothing(backend: RunningBackend) -> None:
    product = await put(backend, stock=1)
    placed = await backend.client.post("/orders", json={"product": str(product), "quantity": 2}, idempotency_key="k1")
    await backend.settle()
    assert (await backend.client.get(placed.headers["location"])).json()["state"] == "rejected"
    assert (await backend.client.get(f"/products/{product}")).json()["stock"] == 1


async def test_the_same_key_is_one_order_and_the_same_answer(backend: RunningBackend) -> None:
    product = await put(backend, stock=5)
    asked = {"product": str(product), "quantity": 1}
    answers = await asyncio.gather(
        *(backend.client.post("/orders", json=asked, idempotency_key="k1") for _ in range(50))
    )
    assert {(answer.status, answer.json()["id"]) for answer in answers} == {(201, answers[0].json()["id"])}
    await backend.settle()
    assert (await backend.client.get(f"/products/{product}")).json()["stock"] == 4


async def test_the_same_key_for_another_order_is_refused(backend: RunningBackend) -> None:
    product = await put(backend, stock=5)
    await backend.client.post("/orders", json={"product": str(product), "quantity": 1}, idempotency_key="k1")
    other = await backend.client.post("/orders", json={"product": str(product), "quantity": 2}, idempotency_key="k1")
    assert other.status == 422


async def test_a_hundred_buyers_of_a_scarce_product_never_get_more_than_there_is(backend: RunningBackend) -> None:
    product = await put(backend, stock=7)
    answers = await asyncio.gather(
        *(
            backend.client.post(
                "/orders", json={"product": str(product), "quantity": 1 + n % 3}, idempotency_key=f"buyer-{n}"
            )
            for n in range(100)
        )
    )
    assert {answer.status for answer in answers} == {201}
    await backend.settle()
    reserved = await backend.db.one(
        int, "select coalesce(sum(quantity), 0) from shop.order_ where product = $1 and state = 'reserved'", product
    )
    states = await backend.db.one(int, "select count(*) from shop.order_ where state <> 'placed'")
    left = (await backend.client.get(f"/products/{product}")).json()["stock"]
    assert (reserved + left, states) == (7, 100)


async def test_who_asks_first_is_served_first(backend: RunningBackend) -> None:
    product = await put(backend, stock=2)
    for n in range(3):
        await backend.client.post(
            "/orders", json={"product": str(product), "quantity": 1}, idempotency_key=f"buyer-{n}"
        )
    await backend.settle()
    states = await backend.db.all(str, "select state from shop.order_ order by placed_at")
    assert states == ["reserved", "reserved", "rejected"]


async def test_an_unknown_product_is_pointed_at(backend: RunningBackend) -> None:
    refused = await backend.client.post("/orders", json={"product": str(uuid4()), "quantity": 1}, idempotency_key="k1")
    assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/product"]


@pytest.mark.parametrize("quantity", [0, -1, 1001, "2", 1.5])
async def test_a_quantity_that_makes_no_sense_is_pointed_at(backend: RunningBackend, quantity: object) -> None:
    refused = await backend.client.post(
        "/orders", json={"product": str(uuid4()), "quantity": quantity}, idempotency_key="k1"
    )
    assert refused.status == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/quantity"]


async def test_an_order_without_a_key_is_refused(backend: RunningBackend) -> None:
    product = await put(backend, stock=5)
    refused = await backend.client.post("/orders", json={"product": str(product), "quantity": 1})
    assert refused.status == 400
    assert await backend.db.one(int, "select count(*) from shop.order_") == 0


async def test_an_order_that_does_not_exist_is_not_found(backend: RunningBackend) -> None:
    assert (await backend.client.get(f"/orders/{uuid4()}")).status == 404


async def test_a_handler_is_a_plain_function(backend: RunningBackend) -> None:
    product = await put(backend, stock=1)
    async with backend.transaction() as tx:
        order = await store.add_order(tx, NewOrder(product=product, quantity=1))
        await reserve_stock(tx, OrderPlaced(order=order.id, product=product, quantity=1))
        assert (await tx.one(str, "select state from shop.order_ where id = $1", order.id)) == "reserved"


async def test_whatever_the_code_does_stock_is_never_negative(backend: RunningBackend) -> None:
    product = await put(backend, stock=1)
    with pytest.raises(CheckFailed):
        async with backend.transaction() as tx:
            await tx.run("update shop.product set stock = stock - 2 where id = $1", product)
