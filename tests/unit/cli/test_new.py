"""`headwater new` and what it writes."""

import compileall
import tomllib
from pathlib import Path

import pytest

from headwater.cli.new import BadProjectName, FolderNotEmpty, NameReserved, write_project


def test_a_project_is_written_with_its_own_name_everywhere(tmp_path: Path) -> None:
    folder = write_project("guest-book", tmp_path)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        ".gitignore",
        "README.md",
        "guest_book/__init__.py",
        "guest_book/app.py",
        "guest_book/migrations/0001_entry.expand.sql",
        "pyproject.toml",
        "tests/test_app.py",
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == "guest-book"
    assert project["tool"]["headwater"]["backend"] == "guest_book:backend"
    assert not [path for path in files if "__P" in (folder / path).read_text()]
    assert compileall.compile_dir(folder, quiet=1)


@pytest.mark.parametrize("name", ["", "Shop", "9lives", "a b", "a--b", "-a", "a/b", "../up", "x" * 41])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadProjectName):
        write_project(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["class", "order", "user", "json", "headwater", "tests"])
def test_words_that_mean_something_else_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NameReserved):
        write_project(name, tmp_path)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog" / "mine.txt").write_text("mine")
    with pytest.raises(FolderNotEmpty):
        write_project("blog", tmp_path)
    assert [path.name for path in (tmp_path / "blog").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "blog").mkdir()
    assert (write_project("blog", tmp_path) / "pyproject.toml").exists()
