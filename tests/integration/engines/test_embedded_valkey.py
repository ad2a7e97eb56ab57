"""Valkey from the wheel: a cache and counters, reached by a socket, gone when it stops."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import valkey

from headwater.engines import EmbeddedValkey, EngineFailed, Engines, FolderInUse
from headwater.settings import Settings
from tests.integration.engines.harness import is_alive


@pytest.fixture
def engine(home: Path) -> Iterator[EmbeddedValkey]:
    made = EmbeddedValkey(home / "valkey")
    yield made
    asyncio.run(made.stop())


def ask(url: str, *command: str) -> Any:
    with valkey.Valkey.from_url(url, decode_responses=True) as client:
        return client.execute_command(*command)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("port", "0"),
        ("save", ""),
        ("appendonly", "no"),
        ("maxmemory", str(256 * 1024 * 1024)),
        ("maxmemory-policy", "allkeys-lfu"),
    ],
)
def test_it_is_configured_as_a_cache_without_a_port(engines: Engines, setting: str, value: str) -> None:
    assert ask(engines.valkey.url, "config", "get", setting) == [setting, value]


def test_only_its_own_user_may_enter_its_data_and_its_socket(engines: Engines, settings: Settings) -> None:
    folder = settings.home / "valkey"
    assert [(folder / name).stat().st_mode & 0o777 for name in ("data", "run", "log")] == [0o700, 0o700, 0o700]


def test_it_has_a_session_of_its_own_so_that_ctrl_c_in_a_terminal_passes_it_by(engines: Engines) -> None:
    pid = engines.valkey.statistics()["pid"]
    assert os.getsid(pid) == pid != os.getsid(0)


@pytest.mark.quiet
def test_it_starts_empty(engine: EmbeddedValkey) -> None:
    asyncio.run(engine.start())
    ask(engine.url, "set", "key", "value")
    asyncio.run(engine.stop())
    asyncio.run(engine.start())
    assert ask(engine.url, "get", "key") is None
    assert engine.statistics()["start_seconds"] < 1


def test_kill_ends_the_wait_and_it_starts_again(engine: EmbeddedValkey) -> None:
    async def main() -> int:
        await engine.start()
        waiting = asyncio.create_task(engine.wait())
        os.kill(engine.statistics()["pid"], signal.SIGKILL)
        status = await asyncio.wait_for(waiting, 10)
        await engine.start()
        return status

    assert asyncio.run(main()) == -signal.SIGKILL
    assert ask(engine.url, "ping")


def test_it_stops_in_an_orderly_way(engine: EmbeddedValkey) -> None:
    asyncio.run(engine.start())
    pid = engine.statistics()["pid"]
    asyncio.run(engine.stop())
    assert asyncio.run(engine.wait()) == 0
    assert not is_alive(pid)


def test_a_second_one_on_its_folder_is_refused(engine: EmbeddedValkey) -> None:
    asyncio.run(engine.start())
    with pytest.raises(FolderInUse, match=str(os.getpid())):
        asyncio.run(EmbeddedValkey(engine.folder).start())
    assert ask(engine.url, "ping")


@pytest.mark.parametrize("name", ["x" * 95, '50% of \'a "b" \\ ü?&#, c'])
def test_awkward_paths(home: Path, name: str) -> None:
    engine = EmbeddedValkey(home / name)
    asyncio.run(engine.start())
    try:
        assert ask(engine.url, "ping")
    finally:
        asyncio.run(engine.stop())
    assert not (engine.folder / "run").is_symlink()


def test_what_it_refuses_is_shown_in_its_own_words(engine: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.engines.valkey.CONFIGURATION", {"port": "0", "maxmemory": "plenty"})
    with pytest.raises(EngineFailed, match="argument must be a memory value"):
        asyncio.run(engine.start())
