"""Read by id: the reference app's ``GET /products/{id}`` in full dress, against what is written by hand and FastAPI."""

import importlib.util
import random
from contextlib import AsyncExitStack

from bench.lab import Lab
from bench.row import RATIO, Goal, Result, Row, Sense
from bench.servers import headwater_server, peer_server
from bench.shop import BACKEND, shop_database
from bench.traffic import Traffic
from headwater.settings import Settings

_WORK = "read by id, everything on (ids, access log, metrics)"
HAND = Row(
    name="read",
    work=_WORK,
    against="hand-written ASGI + asyncpg + msgspec, same server",
    goal=Goal(Sense.AT_LEAST, 0.85, RATIO),
)
BARE = Row(
    name="read-bare",
    work=_WORK,
    against="the same, without asyncpg's reset after each use",
    goal=Goal(Sense.AT_LEAST, 0.85, RATIO),
    tried="Harder than the goal asks: the peer sends one statement that can leave nothing behind, and knows it.",
)
FASTAPI = Row(
    name="read-fastapi",
    work=_WORK,
    against="FastAPI + asyncpg, bare, same server",
    goal=Goal(Sense.AT_LEAST, 2.2, RATIO),
)
ROWS = (HAND, BARE, FASTAPI)

OURS = "Headwater"
PEERS = {
    "hand-written": (HAND, "bench.peers.handwritten:app"),
    "hand-written, no reset": (BARE, "bench.peers.handwritten:app_bare"),
    "FastAPI": (FASTAPI, "bench.peers.fastapi_shop:app"),
}


async def measure(lab: Lab) -> list[Result]:
    peers = dict(PEERS)
    if importlib.util.find_spec("fastapi") is None:
        lab.tell("  FastAPI is not installed and is left out; `make bench` installs it")
        del peers["FastAPI"]
    async with AsyncExitStack() as stack:
        databases = await stack.enter_async_context(lab.postgres())
        url, products = await stack.enter_async_context(shop_database(databases))
        folder = stack.enter_context(lab.part("read"))
        traffic = Traffic(
            [("GET", f"/products/{each}", "") for each in random.Random(1).sample(products, len(products))],
            folder,
            own_client=lab.own_client,
        )
        servers = [
            await stack.enter_async_context(headwater_server(OURS, BACKEND, Settings(postgres_url=url), folder)),
            *[await stack.enter_async_context(peer_server(side, app, url)) for side, (_, app) in peers.items()],
        ]
        samples = await lab.run({server.side: server.measuring(traffic, lab.seconds) for server in servers})
    return [lab.compare(row, samples[OURS], samples[side], traffic.client) for side, (row, _) in peers.items()]
