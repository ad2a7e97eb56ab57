"""One PostgreSQL for all tests of this folder."""

from tests.integration.wal.conftest import server, template_server

__all__ = ["server", "template_server"]
