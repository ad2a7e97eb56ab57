"""The backend of these tests."""

import pytest

from apps.expenses import backend as expenses
from headwater import Backend


@pytest.fixture
def headwater_backend() -> Backend:
    return expenses
