"""The backend under test, and who uses it."""

import pytest

from apps.links import backend as links
from apps.people.testing import Join, joining
from headwater import Backend
from headwater.testing import RunningBackend


@pytest.fixture(scope="session")
def headwater_backend() -> Backend:
    return links


@pytest.fixture
def join(backend: RunningBackend) -> Join:
    return joining(backend)
