"""Servers that somebody else runs: asked for an answer, and otherwise left alone."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.engines import Engines, EngineUnreachable, ExternalPostgres, ExternalValkey
from tests.integration.engines.harness import fetch

EITHER = pytest.mark.parametrize(
    ("kind", "scheme"), [(ExternalPostgres, "postgresql"), (ExternalValkey, "valkey")], ids=["postgres", "valkey"]
)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nothing listens on, and that nothing else takes meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port whose server accepts and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_one_that_answers_is_started_and_stopping_leaves_it_alone(engines: Engines) -> None:
    async def main() -> None:
        for external in (ExternalPostgres(engines.postgres.url), ExternalValkey(engines.valkey.url)):
            await external.start()
            await external.stop()
            await external.start()
            assert external.statistics() == {"embedded": False}

    asyncio.run(main())
    assert asyncio.run(fetch(engines.postgres.url, "select 1")) == 1


def test_waiting_for_its_end_never_returns(engines: Engines) -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(ExternalPostgres(engines.postgres.url).wait(), 0.01))


@EITHER
def test_a_refused_connection_names_the_host_and_not_the_password(
    kind: type[ExternalPostgres | ExternalValkey], scheme: str, closed_port: int
) -> None:
    with pytest.raises(EngineUnreachable, match=f"127.0.0.1:{closed_port} is unreachable") as caught:
        asyncio.run(kind(f"{scheme}://user:sesame@127.0.0.1:{closed_port}/0").start())
    assert "sesame" not in str(caught.value)


@EITHER
def test_a_server_that_says_nothing_is_not_waited_for_longer_than_seconds(
    kind: type[ExternalPostgres | ExternalValkey], scheme: str, mute_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("postgres", "valkey"):
        monkeypatch.setattr(f"headwater.engines.{module}.CONNECT_SECONDS", 0.2)
    with pytest.raises(EngineUnreachable, match=f"127.0.0.1:{mute_port} is unreachable"):
        asyncio.run(kind(f"{scheme}://127.0.0.1:{mute_port}/0").start())


@EITHER
def test_a_missing_socket_is_named(kind: type[ExternalPostgres | ExternalValkey], scheme: str, home: Path) -> None:
    url = f"postgresql://u@/d?host={home}" if kind is ExternalPostgres else f"unix://{home}/none.sock"
    with pytest.raises(EngineUnreachable, match=f"at {home}"):
        asyncio.run(kind(url).start())


def test_a_database_that_is_missing_is_the_cause_given(engines: Engines) -> None:
    with pytest.raises(EngineUnreachable, match='database "elsewhere" does not exist'):
        asyncio.run(ExternalPostgres(engines.postgres.url.replace("/headwater?", "/elsewhere?")).start())


@pytest.mark.parametrize("url", ["mysql://host/db", "postgresql://[broken/db"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(EngineUnreachable):
        asyncio.run(ExternalPostgres(url).start())
    with pytest.raises(EngineUnreachable):
        asyncio.run(ExternalValkey(url).start())
