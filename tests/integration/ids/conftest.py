"""One PostgreSQL for all tests of this folder; each test has a database of its own, with the platform's tables."""

from collections.abc import Iterator

import pytest

from tests.integration.db.servers import fresh_database, running_postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    with fresh_database(server, "template_migrated") as fresh:
        yield fresh
