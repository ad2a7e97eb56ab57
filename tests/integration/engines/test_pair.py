"""Both engines together: opened from the settings, started side by side, found by other processes."""

import asyncio
from pathlib import Path

import pytest

from headwater.engines import (
    EmbeddedPostgres,
    EmbeddedValkey,
    EngineNotRunning,
    Engines,
    EngineUnreachable,
    ExternalPostgres,
    ExternalValkey,
    open_engines,
    postgres_url,
    valkey_url,
)
from headwater.settings import Settings
from tests.integration.engines.harness import forgetful


def test_state_lies_below_the_home_of_the_settings(home: Path) -> None:
    pair = open_engines(Settings(home=home))
    assert isinstance(pair.postgres, EmbeddedPostgres)
    assert isinstance(pair.valkey, EmbeddedValkey)
    assert [pair.postgres.folder, pair.valkey.folder] == [home / "postgres", home / "valkey"]
    assert [engine.name for engine in pair] == ["postgres", "valkey"]
    assert not any(home.iterdir())


def test_an_engine_whose_url_is_set_is_used_and_not_started(home: Path) -> None:
    pair = open_engines(Settings(home=home, postgres_url="postgresql://a/b", valkey_url="valkey://c"))
    assert isinstance(pair.postgres, ExternalPostgres)
    assert isinstance(pair.valkey, ExternalValkey)


def test_other_processes_find_the_running_engines_by_the_settings(engines: Engines, settings: Settings) -> None:
    assert postgres_url(settings) == engines.postgres.url
    assert valkey_url(settings) == engines.valkey.url


def test_when_none_runs_there_the_way_out_is_named(folder: Path) -> None:
    with pytest.raises(EngineNotRunning, match=r"Start it with `headwater up`, or .* HEADWATER_POSTGRES_URL"):
        postgres_url(Settings(home=folder.parent))
    with pytest.raises(EngineNotRunning, match="HEADWATER_VALKEY_URL"):
        valkey_url(Settings(home=folder.parent))


def test_a_failure_of_one_stops_the_other_and_is_the_error_raised(folder: Path) -> None:
    postgres = forgetful(folder)
    pair = Engines(postgres=postgres, valkey=ExternalValkey("unix:///nowhere.sock"))
    with pytest.raises(EngineUnreachable, match="Valkey"):
        asyncio.run(pair.start())
    assert postgres.statistics()["running"] is False


def test_a_cancelled_start_leaves_none_running(folder: Path) -> None:
    async def main() -> None:
        postgres = forgetful(folder)
        pair = Engines(postgres=postgres, valkey=_Unanswering("valkey://nowhere"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pair.start(), 0.5)
        assert postgres.statistics()["running"] is False

    asyncio.run(main())


class _Unanswering(ExternalValkey):
    async def start(self) -> None:
        await self.wait()
