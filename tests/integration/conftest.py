"""One PostgreSQL for all these tests; each has a database of its own, with the platform's tables."""

from collections.abc import Iterator

import pytest

from tests.integration.db.servers import fresh_database, running_postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL whose database ``template_migrated`` has the platform's tables."""
    with running_postgres() as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    with fresh_database(server, "template_migrated") as fresh:
        yield fresh
