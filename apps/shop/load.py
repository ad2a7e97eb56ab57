"""Thousands of buyers at once, and a check of the shop's invariants.

    python -m apps.shop.load --buyers 2000

Most buyers want one of a few scarce products. Some press the button several times: the same order with the same key, at
the same time. When all have a response and every order is reserved or rejected, the invariants are checked through the
API alone: each key is one order, every order is reserved or rejected, reserved and remaining stock add up to the
original stock, and no order was rejected while there was enough stock.

Run it against a shop that nobody else buys from meanwhile. Exit status 1 if an invariant does not hold.
"""

import argparse
import asyncio
import os
import random
import secrets
import sys
import time
from collections import defaultdict
from typing import Any, NamedTuple

import httpx2

SCARCE_PRODUCTS = 20
SCARCE_SHARE = 0.7
DUPLICATE_SHARE = 0.2
SETTLE_SECONDS = 60.0
POLL_SECONDS = 0.1


class Wish(NamedTuple):
    """An order of one buyer, and how often they press the button."""

    key: str
    product: str
    quantity: int
    presses: int


class Answer(NamedTuple):
    status: int
    order: str | None
    seconds: float


class Shop:
    """The API, as a buyer sees it."""

    def __init__(self, client: httpx2.AsyncClient, concurrency: int) -> None:
        self._client = client
        self._room = asyncio.Semaphore(concurrency)

    async def products(self, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while len(found) < count and (not found or cursor is not None):
            parameters = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = (await self._client.get("/products", params=parameters)).raise_for_status().json()
            found, cursor = found + page["items"], page["next"]
        return found

    async def buy(self, wish: Wish) -> Answer:
        async with self._room:
            began = time.perf_counter()
            response = await self._client.post(
                "/orders",
                json={"product": wish.product, "quantity": wish.quantity},
                headers={"Idempotency-Key": f'"{wish.key}"'},
            )
        order = response.json().get("id") if response.status_code == 201 else None
        return Answer(response.status_code, order, time.perf_counter() - began)

    async def stock(self, product: str) -> int:
        return int((await self._client.get(f"/products/{product}")).raise_for_status().json()["stock"])

    async def end_of(self, order: str) -> dict[str, Any]:
        """The order, once it is reserved or rejected; or still placed, if that takes too long."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            found: dict[str, Any] = (await self._client.get(f"/orders/{order}")).raise_for_status().json()
            if found["state"] != "placed" or time.monotonic() > deadline:
                return found
            await asyncio.sleep(POLL_SECONDS)


def imagine(buyers: int, products: list[dict[str, Any]], dice: random.Random) -> list[Wish]:
    """The orders of the buyers."""
    in_stock = [product for product in products if product["stock"] > 0]
    scarce = sorted(in_stock, key=lambda product: int(product["stock"]))[:SCARCE_PRODUCTS]
    run = secrets.token_hex(4)
    wishes = []
    for buyer in range(buyers):
        product = dice.choice(scarce if dice.random() < SCARCE_SHARE else in_stock)
        presses = dice.randint(2, 4) if dice.random() < DUPLICATE_SHARE else 1
        wishes.append(Wish(f"{run}-{buyer}", product["id"], dice.randint(1, 3), presses))
    return wishes


async def press_all(shop: Shop, wishes: list[Wish]) -> dict[Wish, list[Answer]]:
    """Send every press of every buyer at once."""
    presses = [wish for wish in wishes for _ in range(wish.presses)]
    answers: dict[Wish, list[Answer]] = defaultdict(list)
    for wish, answer in zip(presses, await asyncio.gather(*(shop.buy(wish) for wish in presses)), strict=True):
        answers[wish].append(answer)
    return answers


async def find_faults(
    shop: Shop, before: dict[str, int], answers: dict[Wish, list[Answer]], orders: dict[str, dict[str, Any]]
) -> list[str]:
    """A description of every violated invariant."""
    faults = []
    for wish, given in answers.items():
        if others := {answer.status for answer in given} - {201}:
            faults.append(f"key {wish.key}: responses with {sorted(others)}")
        if len({answer.order for answer in given if answer.order}) > 1:
            faults.append(f"key {wish.key}: more than one order")
    faults += [f"order {id}: still {order['state']}" for id, order in orders.items() if order["state"] == "placed"]
    for product in {wish.product for wish in answers}:
        mine = [order for order in orders.values() if order["product"] == product]
        reserved = sum(order["quantity"] for order in mine if order["state"] == "reserved")
        left = await shop.stock(product)
        if reserved + left != before[product]:
            faults.append(f"product {product}: had {before[product]}, reserved {reserved}, left {left}")
        rejected = [order["quantity"] for order in mine if order["state"] == "rejected"]
        if rejected and min(rejected) <= left:
            faults.append(f"product {product}: rejected {min(rejected)} with {left} left")
    return faults


async def run(url: str, buyers: int, concurrency: int, seed: int) -> int:
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=60.0) as client:
        shop = Shop(client, concurrency)
        products = await shop.products(1000)
        before = {product["id"]: int(product["stock"]) for product in products}
        wishes = imagine(buyers, products, random.Random(seed))
        began = time.perf_counter()
        answers = await press_all(shop, wishes)
        answered = time.perf_counter()
        ids = {answer.order for given in answers.values() for answer in given if answer.order}
        orders = {order["id"]: order for order in await asyncio.gather(*(shop.end_of(id) for id in ids))}
        settled = time.perf_counter()
        faults = await find_faults(shop, before, answers, orders)
    print_summary(answers, orders, answered - began, settled - answered)
    print("\n".join(["", "BROKEN", *faults[:20]] if faults else ["", "Every invariant holds."]))
    return 1 if faults else 0


def print_summary(
    answers: dict[Wish, list[Answer]], orders: dict[str, dict[str, Any]], seconds: float, settle_seconds: float
) -> None:
    given = [answer for each in answers.values() for answer in each]
    times = sorted(answer.seconds for answer in given)
    states = [order["state"] for order in orders.values()]
    print(f"buyers        {len(answers)}")
    print(f"requests      {len(given)} in {seconds:.1f} s, {len(given) / seconds:.0f}/s")
    print(f"orders        {len(orders)}: {states.count('reserved')} reserved, {states.count('rejected')} rejected")
    print(f"latency       p50 {times[len(times) // 2]:.3f} s, p99 {times[len(times) * 99 // 100]:.3f} s")
    print(f"settled       {settle_seconds:.1f} s after the last response")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m apps.shop.load", description=(__doc__ or "").partition("\n")[0])
    port = os.environ.get("HEADWATER_PORT") or "8000"
    parser.add_argument("--url", default=f"http://127.0.0.1:{port}", help="URL of the shop (%(default)s)")
    parser.add_argument("--buyers", type=int, default=2000, help="number of buyers (%(default)s)")
    parser.add_argument("--concurrency", type=int, default=64, help="connections at once (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the orders (%(default)s)")
    options = parser.parse_args()
    sys.exit(asyncio.run(run(options.url, options.buyers, options.concurrency, options.seed)))


if __name__ == "__main__":
    main()
