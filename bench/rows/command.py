"""A command: the reference app's ``POST /orders`` with an idempotency key and one event.

Against the same two statements in one bare transaction of asyncpg behind hand-written ASGI.

Every answer is durable on both sides. Headwater stores the answer under its key besides, in the same commit.
"""

import random
from contextlib import AsyncExitStack

import msgspec

from bench.lab import Lab
from bench.row import RATIO, Goal, Result, Row, Sense
from bench.servers import headwater_server, peer_server
from bench.shop import BACKEND, shop_database
from bench.traffic import Traffic
from headwater.settings import Settings

_WORK = "command with idempotency key and one event"
COMMAND = Row(
    name="command",
    work=_WORK,
    against="the same two statements in one bare asyncpg transaction behind hand-written ASGI",
    goal=Goal(Sense.AT_LEAST, 0.60, RATIO),
)
BARE = Row(
    name="command-bare",
    work=_WORK,
    against="the same, without asyncpg's reset after each use",
    goal=Goal(Sense.AT_LEAST, 0.60, RATIO),
)
ROWS = (COMMAND, BARE)

OURS = "Headwater"
PEERS = {
    "hand-written": (COMMAND, "bench.peers.handwritten:app"),
    "hand-written, no reset": (BARE, "bench.peers.handwritten:app_bare"),
}


async def measure(lab: Lab) -> list[Result]:
    async with AsyncExitStack() as stack:
        databases = await stack.enter_async_context(lab.postgres())
        url, products = await stack.enter_async_context(shop_database(databases))
        folder = stack.enter_context(lab.part("command"))
        traffic = Traffic(
            [("POST", "/orders", _order(each)) for each in random.Random(1).sample(products, 1000)],
            folder,
            own_client=lab.own_client,
        )
        servers = [
            await stack.enter_async_context(headwater_server(OURS, BACKEND, Settings(postgres_url=url), folder)),
            *[await stack.enter_async_context(peer_server(side, app, url)) for side, (_, app) in PEERS.items()],
        ]
        samples = await lab.run({server.side: server.measuring(traffic, lab.seconds) for server in servers})
    return [lab.compare(row, samples[OURS], samples[side], traffic.client) for side, (row, _) in PEERS.items()]


def _order(product: object) -> str:
    return msgspec.json.encode({"product": product, "quantity": 1}).decode()
