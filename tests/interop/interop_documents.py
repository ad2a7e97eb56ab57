"""The document of every app, as the tools of others read it: two linters without a word, and types that compile."""

import json
from pathlib import Path

import pytest

from tests.conformance.apps import APPS, AppCase
from tests.interop.node import FOLDER, run


@pytest.fixture(params=APPS, ids=lambda case: case.name)
def document(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    case: AppCase = request.param
    written = tmp_path / f"{case.name}.json"
    written.write_text(json.dumps(case.load().openapi()))
    return written


def test_redocly_has_nothing_to_say(document: Path) -> None:
    said = run("redocly", "lint", "--config", FOLDER / "redocly.yaml", document)
    assert "Your API description is valid" in said
    assert "warning" not in said.lower()


def test_spectral_has_nothing_to_say(document: Path) -> None:
    said = run("spectral", "lint", "--ruleset", FOLDER / "spectral.yaml", "--fail-severity", "hint", document)
    assert "No results with a severity of 'hint' or higher found!" in said


def test_the_types_that_typescript_gets_compile(document: Path) -> None:
    types = document.with_name("types.ts")
    run("openapi-typescript", document, "--output", types)
    settings = document.with_name("tsconfig.json")
    settings.write_text(json.dumps({"extends": str(FOLDER / "tsconfig.json"), "files": [str(types)]}))
    run("tsc", "--project", settings)
    assert "export interface paths" in types.read_text()
