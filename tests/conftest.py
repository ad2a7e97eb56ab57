"""How long tests run: briefly with every change, and with ``--proof`` at full length what has a length."""

import pytest
from hypothesis import settings

from tests.length import BRIEF, PROOF


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--proof", action="store_true", help="run the campaigns and properties, at full length, and nothing else"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.register_profile("headwater", deadline=None, max_examples=BRIEF)  # a shared machine is no failure
    settings.register_profile("headwater proof", deadline=None, max_examples=PROOF)
    settings.load_profile("headwater proof" if config.getoption("--proof") else "headwater")


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


@pytest.fixture(scope="session")
def proof(pytestconfig: pytest.Config) -> bool:
    """Whether a campaign is to run at full length."""
    return bool(pytestconfig.getoption("--proof"))
