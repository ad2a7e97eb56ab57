"""What the documents say in code, links and command lines is so; the tutorial has a test of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import headwater
from headwater.cli.main import cli
from headwater.cli.new import write_project
from tests.acceptance.console import steps_of
from tests.acceptance.document import PROJECT, Block, Document, documents, module_of
from tests.acceptance.follower import environment

DOCUMENTS = documents()
WITH_CODE = (
    "docs/how-to/extend.md",
    "docs/how-to/files.md",
    "docs/how-to/limit-load.md",
    "docs/how-to/lost-updates.md",
    "docs/how-to/pages.md",
    "docs/how-to/versions.md",
    "docs/how-to/write-consumers.md",
    "docs/how-to/write-tests.md",
    "docs/how-to/secure.md",
    "docs/reference/app.md",
)
"""Their Python is one module each, from top to bottom."""


def named(path: str) -> Document:
    return Document(PROJECT / path)


def run(*command: str, cwd: Path = PROJECT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=environment(cwd),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new guestbook, and in it a package for each document with Python: its code, and what checks that it works."""
    folder = write_project("guestbook", tmp_path_factory.mktemp("docs"))
    for document in map(named, WITH_CODE):
        package = folder / _package(document)
        package.mkdir()
        (package / "__init__.py").touch()
        blocks = document.blocks("python")
        (package / "app.py").write_text(module_of([block for block in blocks if block.note != "conftest"]))
        (package / "conftest.py").write_text(module_of([block for block in blocks if block.note == "conftest"]))
    for example in (PROJECT / "tests" / "acceptance" / "examples").iterdir():
        package = folder / f"in_{example.name}"
        (package / "migrations").mkdir()
        (package / "migrations" / "0001_tables.expand.sql").write_text((example / "tables.sql").read_text())
        (package / "test_check.py").write_text((example / "check.py").read_text())
        (package / "conftest.py").write_text(_OTHER_BACKEND.format(package=package.name))
    return folder


_OTHER_BACKEND = """
import pytest

from headwater import Backend


@pytest.fixture(scope="session")
def headwater_backend():
    from {package} import app as document

    return getattr(document, "backend", None) or Backend(document.app)
"""


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{document!r}: {link}" for document in DOCUMENTS for link in document.links() if _leads_nowhere(document, link)
    ]
    assert broken == []


def test_every_document_is_linked_from_the_front_door_or_from_another() -> None:
    linked = {
        (document.path.parent / link.partition("#")[0]).resolve() for document in DOCUMENTS for link in document.links()
    }
    assert [document for document in DOCUMENTS[1:] if document.path not in linked] == []


def test_the_parts_made_from_the_code_are_current() -> None:
    checked = run("scripts/reference.py", "--check")
    assert checked.returncode == 0, checked.stderr


def test_every_metric_in_the_documents_is_one_that_is_declared() -> None:
    metric = re.compile(r"\bheadwater_(?!tail\b)[a-z_]+(?=[`{ )\[])")
    declared = set(metric.findall(named("docs/reference/metrics.md").text))
    in_operate = set(metric.findall(named("docs/how-to/operate.md").text))
    assert in_operate
    assert in_operate - declared == set()


def test_the_reference_names_everything_that_an_app_imports() -> None:
    listed = named("docs/reference/app.md").text.partition("```")[0]
    assert [name for name in headwater.__all__ if f"`{name}`" not in listed] == []


def test_the_code_in_the_documents_is_typed(project: Path) -> None:
    modules = [f"{_package(named(path))}/app.py" for path in WITH_CODE]
    checked = run("-m", "mypy", "--strict", "--no-error-summary", *modules, cwd=project)
    assert checked.returncode == 0, checked.stdout


def test_the_code_in_the_documents_does_what_they_say(project: Path) -> None:
    examples = sorted(each.name for each in (PROJECT / "tests" / "acceptance" / "examples").iterdir())
    checks = [f"in_{example}/test_check.py" for example in examples]
    ran = run("-m", "pytest", "-q", "--import-mode=importlib", "in_write_tests/app.py", *checks, cwd=project)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    count = named("docs/how-to/write-tests.md").text.count("async def test_") + len(checks)
    assert f"{count} passed" in ran.stdout


def test_every_command_line_in_the_documents_is_one_that_headwater_takes() -> None:
    for document, block, typed in _command_lines():
        try:
            cli.parse_args(typed.split("headwater ", 1)[1], exit_on_error=False, print_error=False)
        except Exception as error:
            pytest.fail(f"{document!r}:{block.line}: {typed}: {error}")


def _command_lines() -> Iterator[tuple[Document, Block, str]]:
    for document in DOCUMENTS:
        for block in document.blocks("console"):
            for step in steps_of(block.text):
                if step.typed.startswith("headwater "):
                    yield document, block, step.typed


def _leads_nowhere(document: Document, link: str) -> bool:
    if link.startswith("http"):
        return False
    path, _, fragment = link.partition("#")
    target = (document.path.parent / path).resolve() if path else document.path
    return not target.exists() or bool(fragment and fragment not in Document(target).anchors())


def _package(document: Document) -> str:
    return f"in_{document.path.stem.replace('-', '_')}"
