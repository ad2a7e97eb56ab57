"""The command line as a person meets it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.cli.output import size_text

PROJECT = Path(__file__).parents[3]
MAIN = "from headwater.cli import main; main()"


def run(*arguments: str, cwd: Path = PROJECT, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=cwd,
        env={**clean, "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_help_names_every_command_and_imports_none() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    for command in ("up", "dev", "status", "new", "migrate", "doctor", "openapi", "settings", "log"):
        assert f" {command} " in shown.stdout
    code = f"import sys\ntry:\n  {MAIN}\nfinally:\n  print('asyncpg' in sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert imported.stdout.endswith("False\n")


@pytest.mark.parametrize(
    "command", ["tail", "status", "parked", "retry", "drop", "repartition", "replay", "forget", "reconcile"]
)
def test_every_command_of_the_log_explains_itself(command: str) -> None:
    shown = run("log", command, "--help")
    assert shown.returncode == 0
    assert f"headwater log {command}" in shown.stdout


def test_a_command_line_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    assert run("fly").returncode != 0
    assert run("up", "--web", "many").returncode != 0


def test_a_folder_without_a_backend_says_what_to_do_in_one_line(tmp_path: Path) -> None:
    refused = run("openapi", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("headwater: No backend is named")
    assert refused.stderr.count("\n") == 1


def test_engines_that_do_not_run_are_named(tmp_path: Path) -> None:
    refused = run("log", "status", HEADWATER_HOME=str(tmp_path))
    assert refused.returncode == 1
    assert "headwater up" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_position_that_is_none_is_refused(tmp_path: Path) -> None:
    refused = run("log", "tail", "--from", "yesterday", HEADWATER_HOME=str(tmp_path))
    assert refused.returncode == 1
    assert "An example: 1.0/16B3748.3" in refused.stderr


def test_the_openapi_document_of_the_project_is_printed() -> None:
    shown = run("openapi")
    assert shown.returncode == 0
    document = json.loads(shown.stdout)
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {"/products", "/products/{id}", "/orders", "/orders/{id}"}


def test_settings_are_shown_with_what_they_are_here_but_no_password() -> None:
    shown = run("settings", HEADWATER_PORT="1234", HEADWATER_POSTGRES_URL="postgresql://u:sesame@db.example/shop")
    assert "1234" in shown.stdout
    assert "db.example" in shown.stdout
    assert "sesame" not in shown.stdout


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (3 << 40, "3.0 TiB")]
)
def test_sizes_are_written_as_people_read_them(count: int, text: str) -> None:
    assert size_text(count) == text
