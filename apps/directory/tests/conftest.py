"""The directory in the place of the backend that pyproject.toml names."""

import pytest

from headwater import Backend


@pytest.fixture(scope="session")
def headwater_backend() -> Backend:
    from apps.directory import backend

    return backend
