"""The list of products, page by page."""

from typing import Any
from uuid import uuid4

import pytest

from apps.shop.seed import products
from headwater.testing import RunningBackend


async def put(backend: RunningBackend, count: int) -> None:
    async with backend.transaction() as tx:
        await tx.copy("shop.product", products(count))


async def test_pages_show_every_product_once_in_the_order_of_names(backend: RunningBackend) -> None:
    await put(backend, 25)
    seen: list[dict[str, Any]] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        follow = f"&cursor={cursor}" if cursor else ""
        page = (await backend.client.get(f"/products?limit=10{follow}")).json()
        seen += page["items"]
        cursor, pages = page["next"], pages + 1
    names = [product["name"] for product in seen]
    assert (pages, len(set(names)), names) == (3, 25, sorted(names))


async def test_the_last_page_says_that_it_is_the_last_even_when_it_is_full(backend: RunningBackend) -> None:
    await put(backend, 20)
    page = (await backend.client.get("/products")).json()
    assert (len(page["items"]), page["next"]) == (20, None)


async def test_an_empty_shop_has_an_empty_page(backend: RunningBackend) -> None:
    assert (await backend.client.get("/products")).json() == {
        "items": [],
        "next": None,
        "previous": None,
        "count": None,
    }


@pytest.mark.parametrize("limit", ["0", "101", "many"])
async def test_a_page_has_one_to_a_hundred_products(backend: RunningBackend, limit: str) -> None:
    assert (await backend.client.get(f"/products?limit={limit}")).status in (400, 422)


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "WyJhIiwgMV0", "%C3%BF"])
async def test_a_cursor_that_the_list_has_not_given_is_refused(backend: RunningBackend, cursor: str) -> None:
    refused = await backend.client.get(f"/products?cursor={cursor}")
    assert (refused.status, refused.headers["content-type"]) == (400, "application/problem+json")


async def test_a_product_that_does_not_exist_is_not_found(backend: RunningBackend) -> None:
    assert (await backend.client.get(f"/products/{uuid4()}")).status == 404


async def test_the_demo_data_is_thousands_of_products_with_names_of_their_own(backend: RunningBackend) -> None:
    await backend.seed()
    names, cheapest = (
        await backend.db.one(int, "select count(distinct name) from shop.product"),
        await backend.db.one(int, "select min(price) from shop.product"),
    )
    assert names == 3_000
    assert cheapest > 0
