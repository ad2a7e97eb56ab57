"""How all tests run: briefly with every change, at full length with ``--proof``, and some with nothing beside them."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import settings

from tests.length import BRIEF, PROOF
from tests.room import Room

_ROOM = pytest.StashKey[Room]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--proof", action="store_true", help="run the campaigns and properties, at full length, and nothing else"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.register_profile("headwater", deadline=None, max_examples=BRIEF)  # a shared machine is no failure
    settings.register_profile("headwater proof", deadline=None, max_examples=PROOF)
    settings.load_profile("headwater proof" if config.getoption("--proof") else "headwater")
    if hasattr(config, "workerinput"):  # one process of several, whose folders stand side by side
        config.stash[_ROOM] = Room(Path(config.getoption("basetemp")).parent / "room")


@pytest.hookimpl(trylast=True)  # Hypothesis has marked its own by then
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes is left to the proof, and the proof leaves out what has one length only."""
    if config.getoption("--proof"):
        kept = [item for item in items if item.get_closest_marker("campaign") or item.get_closest_marker("hypothesis")]
    else:
        kept = [item for item in items if not item.get_closest_marker("proof")]
    if len(kept) < len(items):
        left_out = set(items).difference(kept)
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """With several processes, a test that is marked `quiet` waits until no other runs."""
    room, quiet = item.config.stash.get(_ROOM, None), item.get_closest_marker("quiet") is not None
    with nullcontext() if room is None else room.entered(alone=quiet):
        return (yield)


@pytest.fixture(scope="session")
def proof(pytestconfig: pytest.Config) -> bool:
    """Whether a campaign is to run at full length."""
    return bool(pytestconfig.getoption("--proof"))
