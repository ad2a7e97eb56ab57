"""The tutorial, followed to the letter: every file written, every command typed, everything that came compared."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.document import PROJECT, Document
from tests.acceptance.follower import Follower


def environment(home: Path) -> dict[str, str]:
    """What a reader's terminal has: Headwater's commands on the path, and no setting of ours."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HEADWATER_", "PYTEST_"))}
    path = f"{Path(sys.executable).parent}:{clean['PATH']}"
    return {**clean, "PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "COLUMNS": "100"}


@pytest.fixture
def follower() -> Iterator[Follower]:
    """In a folder with a short name, since long ones are folded in tables."""
    with tempfile.TemporaryDirectory(prefix="ada-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # PostgreSQL's own system user has to pass
        follower = Follower(home, environment(home))
        try:
            yield follower
        finally:
            follower.close()


def test_what_the_tutorial_says_is_what_happens(follower: Follower) -> None:
    follower.follow(Document(PROJECT / "docs" / "tutorial" / "first-backend.md"))
