"""Folders that PostgreSQL's own user may enter."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder for one world, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="headwater-crash-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
