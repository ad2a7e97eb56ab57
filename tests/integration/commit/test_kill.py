"""A process killed with SIGKILL between any two steps of a command leaves nothing or everything (G1, G2)."""

import asyncio
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import asyncpg
import pytest

from tests.integration.commit.shop import (
    SLOW_COMMIT,
    Outcome,
    PlaceOrder,
    assert_nothing,
    events,
    key,
    once,
    orders,
    records,
    shop,
    watched,
)
from tests.integration.commit.talker import VOICES
from tests.integration.db.servers import BLOCKED, connected, wait_for_row
from tests.integration.victims import Victim, started

ROOT = Path(__file__).parents[3]
STEPS = ["before claim", "after claim", "after work", "before finish", "after finish", "answered"]
COMMITTED = {"after finish", "answered"}


def victim(url: str) -> AbstractAsyncContextManager[Victim]:
    return started("tests.integration.commit.victim", url)


async def retry(url: str) -> Outcome:
    """The client's second attempt, at another process."""
    async with shop(url) as (_, committer):
        return await once(committer, PlaceOrder(), key("one"))


async def assert_one(watch: asyncpg.Connection, outcome: Outcome) -> None:
    (order,) = await orders(watch)
    assert outcome.answer.body == str(order).encode()
    assert [event.order for event in await events(watch)] == [order]
    assert await records(watch) == 1


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_step_leaves_nothing_or_everything(url: str, step: str) -> None:
    async with watched(url) as watch, victim(url) as process:
        await process.run_to(step)
        await process.kill()
        if step not in COMMITTED:
            await assert_nothing(watch)
        outcome = await retry(url)
        assert outcome.replayed is (step in COMMITTED)
        await assert_one(watch, outcome)


async def test_the_answer_that_was_given_is_the_one_that_is_replayed(url: str) -> None:
    async with watched(url), victim(url) as process:
        said = await process.run_to("answered")
        await process.kill()
        assert (await retry(url)).answer.body == said.removeprefix("answered ").encode()


async def test_killed_while_the_server_commits_is_one_or_the_other(url: str) -> None:
    async with watched(url) as watch, connected(url) as holder, victim(url) as process:
        await watch.execute(SLOW_COMMIT)
        await holder.execute("select pg_advisory_lock(77)")
        await process.run_to("before finish")
        process.go_on()
        await wait_for_row(watch, BLOCKED)
        await process.kill()
        await holder.execute("select pg_advisory_unlock(77)")
        await assert_one(watch, await retry(url))


async def test_who_waits_for_a_killed_owner_takes_over(url: str) -> None:
    async with watched(url) as watch, victim(url) as process:
        await process.run_to("after work")
        waiting = asyncio.create_task(retry(url))
        await wait_for_row(watch, BLOCKED)
        await process.kill()
        outcome = await waiting
        assert not outcome.replayed
        await assert_one(watch, outcome)


async def test_every_event_whose_emitter_was_answered_survives_its_process_and_is_there_once(url: str) -> None:
    async with watched(url) as watch:
        talker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.commit.talker", url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert talker.stdout is not None
        said = [await talker.stdout.readline() for _ in range(10 * VOICES)]
        talker.kill()
        said += (await talker.stdout.read()).splitlines(keepends=True)
        await talker.wait()
        answered = {line.decode().strip() for line in said if line.endswith(b"\n")}
        emitted = [str(event.order) for event in await events(watch)]
    assert len(answered) >= 10 * VOICES
    assert answered <= set(emitted)
    assert len(emitted) == len(set(emitted)) <= len(answered) + VOICES
