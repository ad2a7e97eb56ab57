"""Several steps at once."""

import asyncio

import pytest

from headwater.supervisor.together import beside, together


async def test_the_first_failure_is_raised_itself_and_the_others_are_cancelled() -> None:
    cancelled = asyncio.Event()

    async def long() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await together(long(), fails())
    assert cancelled.is_set()


async def test_all_steps_are_finished_at_the_end() -> None:
    done: list[int] = []

    async def step(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    await together(*(step(number) for number in range(3)))
    assert sorted(done) == [0, 1, 2]


async def test_a_companion_ends_with_the_work() -> None:
    ended = asyncio.Event()

    async def companion() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await beside(asyncio.sleep(0), companion())
    assert ended.is_set()


async def test_a_companion_that_fails_ends_the_work_and_is_told() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def companion() -> None:
        raise ValueError("broom broken")

    with pytest.raises(ValueError, match="broom broken"):
        await beside(work(), companion())
    assert ended.is_set()


async def test_work_that_fails_ends_its_companion_and_is_told() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await beside(work(), asyncio.sleep(3600))
