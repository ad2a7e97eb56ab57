"""Every order that a list of an app declares is served by an index that a migration of the app makes."""

import pytest

from headwater.http.page.indexes import missing_indexes
from headwater.testing.databases import Databases
from headwater.testing.running import run_backend
from tests.conformance.apps import APPS, AppCase
from tests.conformance.live import SETTINGS


@pytest.mark.parametrize("case", APPS, ids=lambda case: case.name)
async def test_no_list_of_an_app_lacks_an_index(case: AppCase, headwater_databases: Databases) -> None:
    async with run_backend(case.load(), headwater_databases, SETTINGS) as running:
        missing = await missing_indexes(running.db, running.backend._plans())
    assert [each.create for each in missing] == []
