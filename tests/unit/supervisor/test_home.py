"""The state folder and who holds it."""

import asyncio
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.engines import FolderInUse
from headwater.supervisor.errors import HomeUnusable, NotRunning, OrphansLive
from headwater.supervisor.home import Home, running_state
from headwater.supervisor.state import BackendState, StateFile


def state(folder: Path) -> BackendState:
    now = datetime.now(UTC)
    return BackendState(
        backend="a:b", supervisor=os.getpid(), url="http://x", ready=True, started_at=now, updated_at=now, processes=()
    )


async def test_one_supervisor_holds_a_folder_at_a_time(tmp_path: Path) -> None:
    first, second = Home(tmp_path), Home(tmp_path)
    await first.take()
    with pytest.raises(FolderInUse, match=str(os.getpid())):
        await second.take()
    first.leave()
    await second.take()
    second.leave()


async def test_a_run_waits_for_the_children_of_the_one_before(tmp_path: Path) -> None:
    first, second = Home(tmp_path), Home(tmp_path)
    child = os.dup(await first.take())
    first.leave()
    taking = asyncio.create_task(second.take())
    assert not (await asyncio.wait({taking}, timeout=0.1))[0]
    os.close(child)
    await asyncio.wait_for(taking, 5)
    second.leave()


async def test_children_that_do_not_go_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.supervisor.home.ORPHAN_SECONDS", 0.05)
    first, second = Home(tmp_path), Home(tmp_path)
    child = os.dup(await first.take())
    first.leave()
    with pytest.raises(OrphansLive):
        await second.take()
    second.leave()
    os.close(child)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeUnusable, match="file"):
        await Home(tmp_path / "file").take()


async def test_the_state_is_there_while_the_folder_is_held(tmp_path: Path) -> None:
    home = Home(tmp_path)
    await home.take()
    home.state.write(state(tmp_path))
    assert running_state(tmp_path).url == "http://x"
    home.leave()
    with pytest.raises(NotRunning):
        running_state(tmp_path)


def test_a_folder_that_nobody_runs_from_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        running_state(tmp_path / "nothing")


def test_half_a_state_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"backend": "a')
    assert StateFile(tmp_path / "state.json").read() is None


def test_children_hold_the_lock_by_inheriting_it(tmp_path: Path) -> None:
    """A descriptor is duplicated, not opened anew, by inheritance: the lock is shared with it (flock(2))."""
    one = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(one, fcntl.LOCK_EX)
    inherited = os.dup(one)
    os.close(one)
    other = os.open(tmp_path / "lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(inherited)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
