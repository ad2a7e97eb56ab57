"""Each test of this folder has an empty database."""

from collections.abc import Iterator

import pytest

from tests.integration.db.servers import fresh_database


@pytest.fixture
def url(server: str) -> Iterator[str]:
    with fresh_database(server) as fresh:
        yield fresh
