"""REDbot, the resource expert droid, looks at the resources of every app: no bad note, and no warning without a reason.

It asks each of them several times: plainly, with other Accept-Encodings, with its validators, for a range.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.testing.databases import Databases
from tests.conformance.apps import APPS, AppCase
from tests.conformance.live import Live, serve_app

SECONDS = 60
SCRIPT = Path(__file__).with_name("redbot_notes.py")
OURS = ("/openapi.json", "/docs", "/docs/docs.css", "/docs/docs.js", "/livez", "/nowhere")

ALLOWED: dict[str, str] = {}
"""Warnings that do not count, each with the reason."""


@pytest.mark.parametrize("case", APPS, ids=lambda case: case.name)
def test_redbot_has_nothing_bad_to_say(case: AppCase, headwater_databases: Databases) -> None:
    with serve_app(case, headwater_databases) as live:
        urls = [live.url + path for path in (*resources_of(live), *OURS)]
        ran = subprocess.run(
            [sys.executable, SCRIPT, json.dumps(dict(live.headers)), *urls],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    notes = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {note["url"] for note in notes} == set(urls)
    assert [note for note in notes if note["level"] in ("BAD", "WARN") and note["note"] not in ALLOWED] == []


def resources_of(live: Live) -> Iterator[str]:
    """What can be read without knowing more than the document: lists, and the first item of each."""
    paths = _read(live, "/openapi.json")["paths"]
    for path, item in paths.items():
        if "get" in item and not _is_asked_more(item["get"]):
            yield path
            yield from _first_items(live, path, [other for other in paths if "get" in paths[other]])


def _first_items(live: Live, path: str, paths: list[str]) -> Iterator[str]:
    answer = _read(live, path)
    items = answer.get("items") if isinstance(answer, dict) else answer
    if not (items and isinstance(items, list) and isinstance(items[0], dict)):
        return
    for other in paths:
        start, _, name = other.partition("{")
        if start == f"{path}/" and name.endswith("}") and name[:-1] in items[0]:
            yield f"{start}{items[0][name[:-1]]}"


def _is_asked_more(operation: dict[str, Any]) -> bool:
    return any(parameter["required"] for parameter in operation.get("parameters", ()))


def _read(live: Live, path: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(live.url + path, headers=dict(live.headers))) as answer:
        text = answer.read()
    return json.loads(text) if answer.headers["content-type"] == "application/json" else None
