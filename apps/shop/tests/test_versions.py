"""Version 1 still answers as it did, though every handler is written for version 2."""

from decimal import Decimal
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from apps.shop.rows import Product
from apps.shop.seed import products
from apps.shop.versions import NewOrderV1, new_order_with_quantity, product_in_units
from headwater.testing import RunningBackend


async def put(backend: RunningBackend) -> str:
    """One product in the shop; returns its id."""
    async with backend.transaction() as tx:
        await tx.copy("shop.product", products(1))
    return str(await backend.db.one(UUID, "select id from shop.product"))


async def test_a_price_is_in_cents_now_and_was_in_units(backend: RunningBackend) -> None:
    product = await put(backend)
    new = (await backend.client.get(f"/v2/products/{product}")).json()
    old = await backend.client.get(f"/v1/products/{product}")
    assert Decimal(old.json()["price"]) * 100 == new["price"]
    assert (old.headers["api-version"], old.headers["deprecation"]) == ("1", "@1788220800")
    assert f'</v2/products/{product}>; rel="successor-version"' in old.headers["link"]
    page = (await backend.client.get("/products", headers={"API-Version": "1"})).json()
    assert page["items"] == [old.json()]


async def test_an_order_of_version_1_is_the_same_order(backend: RunningBackend) -> None:
    product, headers = await put(backend), {"Idempotency-Key": f'"{uuid4()}"'}
    wish = {"product": product, "amount": 2}
    placed = await backend.client.post("/v1/orders", json=wish, headers=headers)
    assert (placed.status, placed.json()["amount"]) == (201, 2)
    again = await backend.client.post("/v1/orders", json=wish, headers=headers)
    assert (again.body, again.headers["idempotent-replayed"]) == (placed.body, "true")
    await backend.settle()
    location = placed.headers["location"]
    assert location == f"/v1/orders/{placed.json()['id']}"
    assert (await backend.client.get(location)).json()["state"] == "reserved"
    new = (await backend.client.get(location.replace("/v1/", "/v2/"))).json()
    assert (new["quantity"], new["state"]) == (2, "reserved")


async def test_a_key_of_one_version_orders_nothing_in_the_other(backend: RunningBackend) -> None:
    product, headers = await put(backend), {"Idempotency-Key": f'"{uuid4()}"'}
    await backend.client.post("/v1/orders", json={"product": product, "amount": 2}, headers=headers)
    for path, version in (("/v2/orders", {}), ("/orders", {}), ("/orders", {"API-Version": "2"})):
        wish = {"product": product, "quantity": 2}
        again = await backend.client.post(path, json=wish, headers={**headers, **version})
        assert (again.status, again.json()["type"]) == (422, "urn:headwater:problem:idempotency-key-reused")
    assert await backend.db.one(int, "select count(*) from shop.order_") == 1


async def test_faults_speak_of_the_version_that_was_asked(backend: RunningBackend) -> None:
    headers = {"Idempotency-Key": '"1"', "API-Version": "1"}
    refused = await backend.client.post("/orders", json={"product": str(uuid4()), "amount": 0}, headers=headers)
    assert [each["pointer"] for each in refused.json()["errors"]] == ["#/amount"]


async def test_an_etag_of_one_version_is_none_of_the_other(backend: RunningBackend) -> None:
    product = await put(backend)
    old = await backend.client.get(f"/v1/products/{product}")
    kept = {"If-None-Match": old.headers["etag"]}
    assert (await backend.client.get(f"/v1/products/{product}", headers=kept)).status == 304
    assert (await backend.client.get(f"/v2/products/{product}", headers=kept)).status == 200


@given(st.integers(0, 10**9))
def test_no_cent_is_lost_on_the_way(price: int) -> None:
    product = Product(id=uuid4(), name="tent", price=price, stock=1)
    assert product_in_units(product).price * 100 == price
    assert f"{product_in_units(product).price:.2f}" == str(product_in_units(product).price)


@given(st.integers(1, 1000))
def test_an_order_is_of_as_many_as_were_asked_for(amount: int) -> None:
    assert new_order_with_quantity(NewOrderV1(product=uuid4(), amount=amount)).quantity == amount
