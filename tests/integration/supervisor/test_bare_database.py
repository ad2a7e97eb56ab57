"""Commands beside a PostgreSQL that has nothing of ours, or does not answer: one line says so."""

from pathlib import Path

import pytest

from headwater.db import platform_source
from headwater.testing import Databases
from tests.integration.db.servers import connected
from tests.integration.supervisor.harness import Up


async def refusal(home: Path, url: str, *command: str) -> str:
    """What a command that cannot do it says: one line, and status 1."""
    async with Up.start(home, *command, HEADWATER_POSTGRES_URL=url) as up:
        assert await up.ended() == 1, (up.output, up.errors)
        said = up.errors.decode()
    assert said.startswith("headwater: ")
    assert said.count("\n") == 1, said
    return said


@pytest.mark.parametrize(
    "command",
    [("log", "status"), ("log", "tail", "--follow"), ("log", "reconcile"), ("log", "reconcile", "--open-epoch")],
)
async def test_a_database_without_our_schema_is_told_what_prepares_it(
    home: Path, headwater_databases: Databases, command: tuple[str, ...]
) -> None:
    async with headwater_databases.database([]) as url:
        assert "run `headwater migrate` to create it" in await refusal(home, url, *command)


async def test_a_database_without_our_schema_has_no_keys_set_aside(home: Path, headwater_databases: Databases) -> None:
    async with headwater_databases.database([]) as url:
        assert "Run `headwater migrate`" in await refusal(home, url, "log", "parked")


async def test_a_database_of_an_older_release_is_told_the_same(home: Path, headwater_databases: Databases) -> None:
    async with headwater_databases.database([platform_source()]) as url:
        async with connected(url) as connection:
            await connection.execute("alter table headwater.retry rename attempts to tries")
        assert "Run `headwater migrate`" in await refusal(home, url, "log", "parked")


@pytest.mark.parametrize("command", [("log", "status"), ("migrate",), ("migrate", "--check")])
async def test_a_postgres_that_does_not_answer_is_named_in_one_line(home: Path, command: tuple[str, ...]) -> None:
    url = f"postgresql://headwater@/headwater?host={home.parent}"
    assert "PostgreSQL is not available" in await refusal(home, url, *command)


@pytest.mark.parametrize("url", ["postgresql://headwater@localhost:port/headwater", "mysql://headwater@localhost/shop"])
async def test_a_url_that_is_none_is_refused_in_one_line(home: Path, url: str) -> None:
    await refusal(home, url, "log", "status")


async def test_a_url_that_cannot_be_read_does_not_show_its_password(home: Path) -> None:
    assert "sesame" not in await refusal(home, "postgresql://headwater@localhost:sesame/shop", "log", "status")
