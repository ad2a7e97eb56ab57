"""The backend under test is the one of people alone."""

import pytest

from apps.people import backend as people
from headwater import Backend


@pytest.fixture(scope="session")
def headwater_backend() -> Backend:
    return people
