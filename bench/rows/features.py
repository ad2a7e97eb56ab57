"""The cost of each declared feature on a read: ours, and the same things in FastAPI, Litestar and DRF."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench.features import FEATURES, prepare_keys, requests_of
from bench.lab import Lab
from bench.matrix import Matrix, figures_of, keep_matrix
from bench.row import RATIO, Goal, Result, Row, Sample, Sense, order_of
from bench.servers import framework_servers, headwater_server
from bench.shop import shop_database
from bench.traffic import Traffic
from headwater.settings import Settings

OURS = "Headwater"
ALL = "all"
_WORK = "read by id with authentication, rate limit, ETag and an older version"
FASTAPI = Row(
    name="features-fastapi",
    work=_WORK,
    against="FastAPI doing the same",
    goal=Goal(Sense.AT_LEAST, 2.2, RATIO),
)
LITESTAR = Row(
    name="features-litestar",
    work=_WORK,
    against="Litestar doing the same",
    goal=Goal(Sense.AT_LEAST, 1.5, RATIO),
)
DRF = Row(
    name="features-drf",
    work=_WORK,
    against="Django REST framework doing the same",
    goal=Goal(Sense.AT_LEAST, 2.2, RATIO),
)
ROWS = (FASTAPI, LITESTAR, DRF)
PEERS = {"FastAPI": FASTAPI, "Litestar": LITESTAR, "DRF": DRF}

_FOLDER = Path(__file__).resolve().parents[1]
_ROUNDS = 3


async def measure(lab: Lab) -> list[Result]:
    seconds = lab.seconds if lab.quick else lab.seconds / 2
    async with AsyncExitStack() as stack:
        databases = await stack.enter_async_context(lab.postgres())
        url, products = await stack.enter_async_context(shop_database(databases))
        await prepare_keys(url)
        folder = stack.enter_context(lab.part("features"))
        servers = [
            await stack.enter_async_context(
                headwater_server(OURS, "bench.ours.features:backend", Settings(postgres_url=url), folder)
            ),
            *await stack.enter_async_context(framework_servers(url, lab, "features")),
        ]
        samples: dict[str, dict[str, list[Sample]]] = {server.side: {} for server in servers}
        for feature in FEATURES:
            traffic = Traffic(
                requests_of(feature, products), folder, headers=feature.headers, own_client=lab.own_client
            )
            lab.tell(f"  {feature.work}")
            measuring = {server.side: server.measuring(traffic, seconds) for server in servers}
            for run in measuring.values():
                await run()
            for side in order_of(list(measuring), 1 if lab.quick else _ROUNDS):
                sample = await measuring[side]()
                samples[side].setdefault(feature.name, []).append(sample)
                lab.show(sample)
    if not lab.quick:
        matrix = Matrix(figures=figures_of(samples), machine=lab.machine, at=datetime.now(UTC), load=traffic.client)
        keep_matrix(_FOLDER, matrix)
    return [
        lab.compare(row, samples[OURS][ALL], samples[side][ALL], traffic.client)
        for side, row in PEERS.items()
        if side in samples
    ]
