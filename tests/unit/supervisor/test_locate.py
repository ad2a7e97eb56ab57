"""Which backend is run."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.backend import Backend
from headwater.supervisor.errors import BackendNotFound, BackendUnnamed
from headwater.supervisor.locate import find_reference, load_backend


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that modules can be imported from; they are forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_the_project_file_names_the_backend(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.headwater]\nbackend = "shop:backend"\n')
    assert find_reference(None, tmp_path) == "shop:backend"


def test_a_name_given_by_hand_wins(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.headwater]\nbackend = "shop:backend"\n')
    assert find_reference("other:backend", tmp_path) == "other:backend"


@pytest.mark.parametrize("text", [None, "", "[tool.headwater]\n", "[tool.headwater]\nbackend = 3\n"])
def test_a_folder_that_names_none_is_told_what_to_write(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(BackendUnnamed, match=re.escape('backend = "module:name"')):
        find_reference(None, tmp_path)


def test_a_broken_project_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool\n")
    with pytest.raises(BackendNotFound, match="is not TOML"):
        find_reference(None, tmp_path)


def test_a_backend_is_imported(project: Path) -> None:
    (project / "located_a.py").write_text("from headwater import App, Backend\nbackend = Backend(App('located'))\n")
    assert isinstance(load_backend("located_a:backend", project), Backend)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("located_b", "it should look like package.module:name"),
        ("nowhere_at_all:backend", "there is no module 'nowhere_at_all'"),
        ("located_b:missing", "the module located_b has no 'missing'"),
        ("located_b:number", "it is no Backend but a int"),
    ],
)
def test_what_is_no_backend_is_refused_with_the_reason(project: Path, reference: str, reason: str) -> None:
    (project / "located_b.py").write_text("number = 3\n")
    with pytest.raises(BackendNotFound, match=re.escape(reason)):
        load_backend(reference, project)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import json\n\nx = unknown\n", r"located_c\.py:3: NameError: name 'unknown' is not defined"),
        ("import no_such_library\n", r"located_c\.py:1: ModuleNotFoundError: No module named 'no_such_library'"),
        ("def f(:\n", r"SyntaxError: .*located_c\.py, line 1"),
        ("from headwater import App\nApp('Bad Name')\n", "'Bad Name' is not a valid app name"),
    ],
)
def test_an_error_in_a_persons_own_code_is_placed(project: Path, code: str, reason: str) -> None:
    (project / "located_c.py").write_text(code)
    with pytest.raises(BackendNotFound, match=reason):
        load_backend("located_c:backend", project)
