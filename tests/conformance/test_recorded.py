"""The documents that apps have recorded still hold; what breaks is declared, and what is declared does break."""

from itertools import pairwise
from pathlib import Path

import pytest

from headwater.cli import api
from tests.conformance.apps import PROJECT

RECORDED = sorted(PROJECT.glob("apps/*/openapi/v*.json"))
NEIGHBOURS = [(older, newer) for older, newer in pairwise(RECORDED) if older.parent == newer.parent]


def _name(path: Path) -> str:
    return f"{path.parts[-3]} {path.stem}"


@pytest.mark.parametrize("recorded", RECORDED, ids=_name)
def test_the_code_breaks_nobody_who_was_written_for_what_is_recorded(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    try:
        api.diff(recorded, app=f"apps.{recorded.parts[-3]}:backend")
    except SystemExit:
        pytest.fail(capsys.readouterr().out)


@pytest.mark.parametrize(("older", "newer"), NEIGHBOURS, ids=_name)
def test_what_breaks_between_two_versions_is_declared(
    older: Path, newer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.diff(older, newer)
    assert "Declared, but no longer found" not in capsys.readouterr().out
