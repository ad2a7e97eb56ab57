"""The backend under test, and who uses it."""

import pytest

from apps.people.testing import Join, joining
from apps.tasks import backend as tasks
from headwater import Backend
from headwater.testing import RunningBackend


@pytest.fixture(scope="session")
def headwater_backend() -> Backend:
    return tasks


@pytest.fixture
def join(backend: RunningBackend) -> Join:
    return joining(backend)
