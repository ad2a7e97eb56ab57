"""Keeping a process alive, told with one that does what the test says."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.backoff import Backoff
from headwater.observe import Occurrence, subscribe
from headwater.supervisor.errors import ChildFailed
from headwater.supervisor.keeper import Keeper, Phase, ProcessDied, ProcessRestarted
from headwater.supervisor.restartbackoff import RestartBackoff
from headwater.testing import Clock, eventually


class Puppet:
    """A process that lives until `die`, and fails to start as often as asked."""

    name = "puppet"

    def __init__(self) -> None:
        self.starts = 0
        self.stops = 0
        self.failures = 0
        self._death: asyncio.Future[int] | None = None

    async def start(self) -> None:
        self.starts += 1
        if self.failures:
            self.failures -= 1
            raise ChildFailed(name=self.name, how="ended with status 1", output="")
        self._death = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        assert self._death is not None
        return await self._death

    async def stop(self) -> None:
        self.stops += 1

    def statistics(self) -> dict[str, Any]:
        return {"pid": 4711}

    def die(self, status: int) -> None:
        assert self._death is not None
        self._death.set_result(status)


class Watched:
    """A keeper whose changes can be waited for, with delays too short to notice."""

    def __init__(self, puppet: Puppet) -> None:
        self._changed = asyncio.Event()
        backoff = RestartBackoff(Backoff(first=0.0001, most=0.001))
        self.keeper = Keeper(puppet, backoff=backoff, changed=self._changed.set)

    async def wait_for(self, phase: Phase, restarts: int) -> None:
        async with asyncio.timeout(5):
            while (self.keeper.state.phase, self.keeper.restarts) != (phase, restarts):
                self._changed.clear()
                await self._changed.wait()


async def test_what_dies_is_started_again_and_counted() -> None:
    puppet = Puppet()
    watched = Watched(puppet)
    await watched.keeper.start()
    puppet.die(-9)
    await watched.wait_for(Phase.RUNNING, restarts=1)
    state = watched.keeper.state
    assert (puppet.starts, state.pid, state.cause) == (2, 4711, "was killed by SIGKILL")
    await watched.keeper.stop()
    assert watched.keeper.state.phase is Phase.STOPPED


async def test_what_dies_early_is_started_again_after_a_pause_of_the_clock() -> None:
    puppet, clock = Puppet(), Clock(frozen=True)
    keeper = Keeper(puppet, backoff=RestartBackoff(Backoff(first=3600, most=3600)), clock=clock)
    await keeper.start()
    puppet.die(1)
    await eventually(lambda: clock.waits)
    assert (puppet.starts, keeper.state.phase) == (1, Phase.BACKING_OFF)
    clock.jump(hours=1)
    await eventually(lambda: keeper.state.phase is Phase.RUNNING)
    assert puppet.starts == 2
    await keeper.stop()


async def test_a_start_that_fails_is_tried_again_but_is_one_restart() -> None:
    puppet = Puppet()
    watched = Watched(puppet)
    await watched.keeper.start()
    puppet.failures = 3
    puppet.die(1)
    await watched.wait_for(Phase.RUNNING, restarts=1)
    assert puppet.starts == 5
    await watched.keeper.stop()


async def test_the_first_start_is_not_retried() -> None:
    puppet = Puppet()
    puppet.failures = 1
    keeper = Watched(puppet).keeper
    with pytest.raises(ChildFailed):
        await keeper.start()
    await keeper.stop()
    assert (puppet.starts, puppet.stops, keeper.restarts) == (1, 1, 0)


async def test_what_is_stopped_stays_stopped() -> None:
    puppet = Puppet()
    keeper = Watched(puppet).keeper
    await keeper.start()
    await keeper.stop()
    puppet.die(0)
    await asyncio.sleep(0)
    assert (puppet.starts, keeper.state.phase) == (1, Phase.STOPPED)


async def test_a_restart_that_was_asked_for_is_not_counted() -> None:
    puppet = Puppet()
    watched = Watched(puppet)
    await watched.keeper.start()
    await watched.keeper.restart()
    assert (puppet.starts, puppet.stops, watched.keeper.restarts) == (2, 1, 0)
    await watched.keeper.stop()


async def test_deaths_and_returns_are_reported() -> None:
    puppet = Puppet()
    watched = Watched(puppet)
    reported: list[Occurrence] = []
    unsubscribe = subscribe(reported.append)
    try:
        await watched.keeper.start()
        puppet.die(3)
        await watched.wait_for(Phase.RUNNING, restarts=1)
    finally:
        unsubscribe()
        await watched.keeper.stop()
    died, restarted = reported
    assert isinstance(died, ProcessDied)
    assert (died.name, died.cause) == ("puppet", "ended with status 3")
    assert restarted == ProcessRestarted(name="puppet", restarts=1)


async def test_a_keeper_that_breaks_itself_says_so() -> None:
    puppet = Puppet()
    keeper = Watched(puppet).keeper
    await keeper.start()
    puppet.die("no status")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await asyncio.wait_for(keeper.broken, 5)
    await keeper.stop()


async def test_a_state_says_since_when() -> None:
    keeper = Watched(Puppet()).keeper
    assert datetime.now(UTC) - keeper.state.since < timedelta(minutes=1)
