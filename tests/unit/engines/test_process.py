"""Processes that are launched: their session, their end, and what ends with them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.engines.leftover import end_leftovers, find_leftovers
from headwater.engines.process import ChildProcess, launch

KILL = ((signal.SIGKILL, 5.0),)


@pytest.fixture
def output(tmp_path: Path) -> Iterator[int]:
    with (tmp_path / "output").open("wb") as file:
        yield file.fileno()


def start(output: int, *command: str, paths: list[Path] | None = None) -> ChildProcess:
    return launch(command, account=None, output=output, death_signal=signal.SIGTERM, paths=paths or [])


def test_the_exit_status_is_given_to_everybody_who_waits(output: int) -> None:
    async def main() -> list[int]:
        process = start(output, "/bin/sh", "-c", "exit 7")
        return list(await asyncio.gather(process.wait(), process.wait()))

    assert asyncio.run(main()) == [7, 7]


def test_without_help_of_the_kernel_the_wait_ends_too(output: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert asyncio.run(start(output, "/bin/true").wait()) == 0


def test_a_stubborn_process_is_ended_by_the_next_step(output: int, tmp_path: Path) -> None:
    async def main() -> tuple[bool, int]:
        ready = tmp_path / "ready"
        os.mkfifo(ready)
        process = start(output, "/bin/sh", "-c", f"trap '' TERM; echo > {ready}; while :; do sleep 60; done")
        ready.read_bytes()
        forced = await process.end(((signal.SIGTERM, 0.05), (signal.SIGKILL, 5.0)))
        return forced, await process.wait()

    assert asyncio.run(main()) == (True, -signal.SIGKILL)


def test_a_willing_process_ends_on_the_first_step(output: int) -> None:
    async def main() -> bool:
        return await start(output, "/bin/sleep", "60").end(((signal.SIGTERM, 5.0), *KILL))

    assert asyncio.run(main()) is False


def test_a_program_that_is_closed_to_its_user_is_named(output: int, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.touch(mode=0o600)
    assert asyncio.run(start(output, str(program)).wait()) == 1
    assert f"headwater: {program} is closed to user" in (tmp_path / "output").read_text()


def test_it_sees_nothing_of_our_environment(output: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    asyncio.run(start(output, "/usr/bin/env").wait())
    assert sorted(line.partition("=")[0] for line in (tmp_path / "output").read_text().splitlines()) == [
        "LC_ALL",
        "PATH",
        "TZ",
    ]


def test_it_dies_with_the_process_that_launched_it(tmp_path: Path) -> None:
    """The child keeps the write end of the pipe open for as long as it lives."""
    launching = (
        "import os, signal; from headwater.engines.process import launch;"
        "launch(['/bin/sleep', '60'], account=None, output=1, death_signal=signal.SIGTERM, paths=[]);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run([sys.executable, "-c", launching], stdout=subprocess.PIPE, timeout=10, check=False)
    assert parent.returncode == -signal.SIGKILL


class TestLeftovers:
    def test_only_the_program_itself_is_taken_for_a_leftover(self, output: int, tmp_path: Path) -> None:
        with subprocess.Popen(["/bin/sleep", "60"], cwd=tmp_path) as sleeper:
            found = [each.pid for each in find_leftovers(_program("/bin/sleep"), tmp_path)]
            elsewhere = find_leftovers(_program("/bin/sleep"), tmp_path.parent)
            others = find_leftovers("postgres", tmp_path)
            sleeper.kill()
        assert (found, elsewhere, others) == ([sleeper.pid], [], [])
        assert find_leftovers(_program("/bin/sleep"), tmp_path) == []

    def test_a_stubborn_leftover_is_ended_by_force(self, tmp_path: Path) -> None:
        stubborn = (
            "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
        )
        with subprocess.Popen([sys.executable, "-c", stubborn], cwd=tmp_path, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            asyncio.run(end_leftovers(_program(sys.executable), tmp_path, ((signal.SIGTERM, 0.05), *KILL)))
        assert process.returncode == -signal.SIGKILL


def _program(path: str) -> str:
    return Path(path).resolve().name
