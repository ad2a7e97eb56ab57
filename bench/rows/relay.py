"""The relay, from decoding to committed in the log, against pg_recvlogical writing the same to a file.

Each round has a database and two slots of its own, made at the same moment: both sides decode the same WAL from the
same place, and neither meets what the other wrote in an earlier round.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec

from bench.backlog import commit_one_by_one
from bench.lab import Lab
from bench.ours.drain import Drained
from bench.peers.recvlogical import receive
from bench.process import PythonChild
from bench.row import RATIO, Goal, Result, Row, Sample, Sense
from headwater.db import platform_source
from headwater.settings import Settings
from headwater.testing import Databases
from headwater.wal import prepare_log

RELAY = Row(
    name="relay",
    work="relay, decode to committed in the log",
    against="pg_recvlogical to a file",
    goal=Goal(Sense.AT_LEAST, 0.75, RATIO),
    tried="Two cores are the limit of both sides. A transaction costs 3 µs in the walsender for either; pg_recvlogical "
    "adds 3 µs of C, the relay 5.5 µs of Python (a quarter of it the kernel receiving three small messages, a third "
    "decoding, a fifth sorting and sending) and PostgreSQL 1.5 µs to write the batch. What helped: reading while "
    "appending, full batches under load, no record per message, runs of bytes per partition. What did not: reading the "
    "socket without libpq, batches in rows of a page instead of TOAST. Not done: a decoder that takes a transaction of "
    "one event in one step measured 0.7 µs less.",
)
ROWS = (RELAY,)
TRANSACTIONS = 300_000

OURS, THEIRS = "relay", "pg_recvlogical"


class Backlog(msgspec.Struct, frozen=True):
    """One round's work."""

    url: str
    slot: str
    peer_slot: str
    transactions: int
    end: str
    file: Path


async def measure(lab: Lab) -> list[Result]:
    samples: dict[str, list[Sample]] = {OURS: [], THEIRS: []}
    async with lab.postgres() as databases:
        if not lab.quick:
            await _round(lab, databases, 0)
        for number in range(1, lab.pairs + 1):
            for sample in await _round(lab, databases, number):
                samples[sample.side].append(sample)
                lab.show(sample)
    return [lab.compare(RELAY, samples[OURS], samples[THEIRS])]


async def _round(lab: Lab, databases: Databases, number: int) -> list[Sample]:
    """Both sides on one backlog, in turns first."""
    with lab.part("relay") as folder:
        async with _backlog(lab, databases, number, folder) as backlog:
            sides = [_relay, _recvlogical] if number % 2 else [_recvlogical, _relay]
            return [await side(backlog) for side in sides]


@asynccontextmanager
async def _backlog(lab: Lab, databases: Databases, number: int, folder: Path) -> AsyncIterator[Backlog]:
    settings = Settings(slot=f"relay_{number}")
    async with databases.database([platform_source()]) as url:
        await prepare_log(url, settings)
        connection = await asyncpg.connect(url)
        peer_slot = f"peer_{number}"
        await connection.execute("select pg_create_logical_replication_slot($1, 'pgoutput')", peer_slot)
        transactions = await commit_one_by_one(url, lab.size(TRANSACTIONS), folder)
        end = await connection.fetchval("select pg_current_wal_insert_lsn()::text")
        # Beyond the end, so that whoever waits for the end is told of it; and the WAL is on disk for both.
        await connection.execute("select pg_logical_emit_message(true, 'bench', 'end')")
        await connection.execute("checkpoint")
        await connection.close()
        yield Backlog(url, settings.slot, peer_slot, transactions, end, folder / "received")


async def _relay(backlog: Backlog) -> Sample:
    async with PythonChild("bench.ours.drain", backlog.url, backlog.slot, str(backlog.transactions)) as child:
        drained = await child.said(Drained)
    return _sample(
        OURS, backlog, drained.seconds, drained.cpu_seconds, appends=drained.appends, peak_MB=drained.peak_mb
    )


async def _recvlogical(backlog: Backlog) -> Sample:
    ran = await receive(backlog.url, backlog.peer_slot, backlog.slot, backlog.end, backlog.file)
    return _sample(THEIRS, backlog, ran.seconds, ran.cpu_seconds)


def _sample(side: str, backlog: Backlog, seconds: float, cpu_seconds: float, **facts: float) -> Sample:
    count = backlog.transactions
    return Sample(
        side=side, value=count / seconds, unit="transactions/s", facts={"cpu_us": cpu_seconds / count * 1e6, **facts}
    )
