"""Worker numbers: leased, renewed, lost and taken again, and never held by two at once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from headwater.db import Pool
from headwater.ids import NoWorkerFree, Snowflakes, split
from headwater.ids.layout import SEQUENCES, WORKERS
from headwater.testing import Clock, eventually
from tests.integration.db.servers import execute, value

MAKER = Path(__file__).with_name("maker.py")
HELD = "select count(*) from headwater.id_worker where holder is not null"


@asynccontextmanager
async def snowflakes(url: str, clock: Clock | None = None, lease_seconds: float = 60.0) -> AsyncIterator[Snowflakes]:
    pool = await Pool.open(url, size=2, application_name="test ids")
    ids = Snowflakes(pool, clock=clock, lease_seconds=lease_seconds)
    try:
        yield ids
    finally:
        await ids.close()
        await pool.close()


async def test_nothing_is_leased_before_the_first_id_and_nothing_stays_leased_after_the_end(url: str) -> None:
    async with snowflakes(url) as ids:
        assert await value(url, HELD) == 0
        first = await ids.next()
        assert await value(url, HELD) == 1
        assert ids.statistics() == {"worker": split(first).worker, "given": 1, "waits": 0, "leases": 1}
    assert await value(url, HELD) == 0


async def test_ids_of_several_holders_at_once_are_all_different_and_grow(url: str) -> None:
    async with snowflakes(url) as one, snowflakes(url) as other, snowflakes(url) as third:
        made = await asyncio.gather(*(ids.take(3 * SEQUENCES) for ids in (one, other, third)))
        assert len({split(ids[0]).worker for ids in made}) == 3
        assert all(ids == sorted(ids) for ids in made)
        assert len(set().union(*made)) == 9 * SEQUENCES


async def test_tasks_of_one_process_share_one_number(url: str) -> None:
    async with snowflakes(url) as ids:
        made = await asyncio.gather(*(ids.next() for _ in range(200)))
        assert len(set(made)) == 200
        assert await value(url, HELD) == 1


async def test_a_used_lease_is_renewed_before_it_ends(url: str) -> None:
    async with snowflakes(url, lease_seconds=0.6) as ids, asyncio.timeout(20):
        made = [await ids.next()]
        while ids.statistics()["leases"] < 5:
            await asyncio.sleep(0.01)
            made.append(await ids.next())
    assert len({split(id).worker for id in made}) == 1
    assert made == sorted(set(made))


async def test_a_millisecond_without_ids_left_is_slept_through(url: str) -> None:
    clock = Clock(frozen=True)
    pool = await Pool.open(url, size=1, application_name="test ids")
    ids = Snowflakes(pool, clock=clock)
    taking = asyncio.create_task(ids.take(3 * SEQUENCES))
    while not taking.done():
        await eventually(lambda: clock.waits == [0.001] or taking.done())
        clock.jump(milliseconds=1)
    made = await taking
    await ids.close()
    await pool.close()
    assert made == sorted(set(made))
    assert ids.statistics()["waits"] >= 2
    assert [split(id).sequence for id in made[::SEQUENCES]] == [0, 0, 0]


async def test_without_a_lease_that_holds_there_are_no_ids(url: str) -> None:
    clock = Clock()
    async with snowflakes(url, clock) as ids:
        first = await ids.next()
        taken = "update headwater.id_worker set holder = gen_random_uuid(), until = until + 600000 where number = "
        await execute(url, f"{taken} {split(first).worker}")
        clock.jump(seconds=61)
        second = await ids.next()
        assert split(second).worker != split(first).worker
        await execute(url, f"update headwater.id_worker set until = {1 << 40}, holder = gen_random_uuid()")
        clock.jump(seconds=61)
        with pytest.raises(NoWorkerFree):
            await ids.next()
        await execute(url, "update headwater.id_worker set until = 0 where number = 9")
        assert split(await ids.next()).worker == 9


async def test_a_number_comes_back_only_for_times_that_nobody_used(url: str) -> None:
    await execute(url, "delete from headwater.id_worker where number > 0")
    async with snowflakes(url) as ids:
        last = (await ids.take(5000))[-1]
    for _ in range(20):
        async with snowflakes(url) as ids:
            made = await ids.take(10)
            assert made[0] > last
            last = made[-1]


async def test_a_database_whose_clock_was_set_back_leases_only_what_is_ahead_of_it(url: str) -> None:
    hour = 3_600_000
    await execute(url, "delete from headwater.id_worker where number > 1")
    now = "floor(extract(epoch from clock_timestamp() - '2025-01-01Z'::timestamptz) * 1000)"
    await execute(url, f"update headwater.id_worker set until = {now} + {hour} where number = 0")
    async with snowflakes(url) as ids:
        assert split(await ids.next()).worker == 1
        async with snowflakes(url) as other:
            with pytest.raises(NoWorkerFree):
                await other.next()


async def test_processes_that_are_killed_leave_no_id_to_be_made_twice(url: str) -> None:
    """Few numbers and short leases, so that numbers change hands between the killed and their successors."""
    await execute(url, f"delete from headwater.id_worker where number >= 3 and number < {WORKERS}")
    made: list[int] = []
    for _ in range(3):
        makers = [await _start(url) for _ in range(3)]
        outputs = await asyncio.gather(*(_read_some(maker) for maker in makers))
        for output in outputs:
            assert output == sorted(output)
            made += output
    assert len(made) == len(set(made))
    assert len(made) >= 9 * 2000


async def _start(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(MAKER), url, "0.4", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )


async def _read_some(maker: asyncio.subprocess.Process) -> list[int]:
    """What it wrote until it was killed in the middle of it; empty for one that found no number free."""
    assert maker.stdout is not None
    lines = [await maker.stdout.readline() for _ in range(2000)]
    maker.kill()
    rest = await maker.stdout.read()
    await maker.wait()
    lines += rest.splitlines(keepends=True)
    return [int(line) for line in lines if line.endswith(b"\n")]
