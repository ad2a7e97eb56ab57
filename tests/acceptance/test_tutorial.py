"""The tutorial, and then the operator's guide, followed to the letter: every file written, every command typed,
everything that came compared."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.document import PROJECT, Document
from tests.acceptance.follower import Follower, environment


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


def test_what_the_tutorial_and_the_operators_guide_say_is_what_happens(follower: Follower) -> None:
    follower.follow(Document(PROJECT / "docs" / "tutorial" / "first-backend.md"))
    follower.follow(Document(PROJECT / "docs" / "how-to" / "operate.md"))
    follower.stop_serving()
    after = follower.type("headwater log reconcile")  # starts PostgreSQL by itself, and leaves none behind
    assert "The log ends at 2." in after
    assert "is not running" in follower.type("headwater psql -c 'select 1'")
