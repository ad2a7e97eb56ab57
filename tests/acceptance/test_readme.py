"""The front door is true: its example runs and passes its test, its command lines do what they say. So do those of the
HTTP rules, which are shown on the same shop."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.acceptance.document import PROJECT, Block, Document
from tests.acceptance.follower import Follower, environment

README = Document(PROJECT / "README.md")

PYPROJECT = """
[tool.headwater]
backend = "guestbook:backend"

[tool.pytest.ini_options]
pythonpath = ["."]
filterwarnings = ["error"]
"""


def block(language: str, mark: str) -> Block:
    (found,) = [each for each in README.blocks(language) if mark in each.text]
    return found


def test_the_first_screen_says_how_to_run_it_and_how_to_test_it() -> None:
    first_screen = "\n".join(README.text.splitlines()[:40])
    assert "$ make up" in first_screen
    assert "$ make test" in first_screen


def test_the_example_passes_its_own_test(tmp_path: Path) -> None:
    package = tmp_path / "guestbook"
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").write_text(block("python", "backend = Backend(app)").text)
    (package / "migrations" / "0001_entry.expand.sql").write_text(block("sql", "create table").text)
    (tmp_path / "test_guestbook.py").write_text(block("python", "async def test_").text)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    assert "1 passed" in run("pytest", "-q", cwd=tmp_path)
    run("mypy", "--strict", "--no-error-summary", "guestbook", cwd=tmp_path)


def run(*module: str, cwd: Path) -> str:
    """What it wrote, once it has ended well."""
    ran = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=cwd,
        env=environment(cwd),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_its_command_lines_and_those_of_the_http_rules_do_what_they_say() -> None:
    with tempfile.TemporaryDirectory(prefix="headwater-readme-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # PostgreSQL's own system user has to pass
        follower = Follower(PROJECT, {**environment(home), "HEADWATER_HOME": folder})
        try:
            follower.serve("headwater up")
            follower.follow(README)
            follower.follow(Document(PROJECT / "docs" / "reference" / "http.md"))
        finally:
            follower.close()
