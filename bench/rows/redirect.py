"""A redirect of the reference shortener, each visit an event in the log, against answers that count less and as much.

The constant answer is the floor: no database, nothing counted. What it shows is the price of counting exactly once in
effect: a read, and an event whose commit many visits share some ten milliseconds after the answer. The frameworks count
in the statement that finds the link, durably before the answer, and serialise the visitors of one link by its row.
"""

import random
from contextlib import AsyncExitStack

from bench.lab import Lab
from bench.links import BACKEND, links_database
from bench.row import RATIO, Goal, Result, Row, Sense
from bench.servers import framework_servers, headwater_server, peer_server
from bench.traffic import Traffic
from headwater.settings import Settings

_WORK = "redirect of a short link, each visit an event in the log, committed in groups"
CONSTANT = Row(
    name="redirect",
    work=_WORK,
    against="a constant 302 of hand-written ASGI, which counts nothing",
    goal=Goal(Sense.AT_LEAST, 0.10, RATIO),
)
FASTAPI = Row(
    name="redirect-fastapi",
    work=_WORK,
    against="FastAPI + asyncpg counting in the same statement that finds the link",
    goal=Goal(Sense.AT_LEAST, 1.0, RATIO),
)
LITESTAR = Row(
    name="redirect-litestar", work=_WORK, against="Litestar doing the same", goal=Goal(Sense.AT_LEAST, 1.0, RATIO)
)
DRF = Row(
    name="redirect-drf",
    work=_WORK,
    against="Django REST framework doing the same",
    goal=Goal(Sense.AT_LEAST, 1.0, RATIO),
)
ROWS = (CONSTANT, FASTAPI, LITESTAR, DRF)

OURS = "Headwater"
PEERS = {"constant": CONSTANT, "FastAPI": FASTAPI, "Litestar": LITESTAR, "DRF": DRF}


async def measure(lab: Lab) -> list[Result]:
    async with AsyncExitStack() as stack:
        databases = await stack.enter_async_context(lab.postgres())
        url, codes = await stack.enter_async_context(links_database(databases))
        folder = stack.enter_context(lab.part("redirect"))
        traffic = Traffic(
            [("GET", f"/{each}", "") for each in random.Random(1).sample(codes, len(codes))],
            folder,
            own_client=lab.own_client,
        )
        servers = [
            await stack.enter_async_context(headwater_server(OURS, BACKEND, Settings(postgres_url=url), folder)),
            await stack.enter_async_context(peer_server("constant", "bench.peers.constant:app", url)),
            *await stack.enter_async_context(framework_servers(url, lab, "lists")),
        ]
        samples = await lab.run({server.side: server.measuring(traffic, lab.seconds) for server in servers})
    return [
        lab.compare(row, samples[OURS], samples[side], traffic.client) for side, row in PEERS.items() if side in samples
    ]
