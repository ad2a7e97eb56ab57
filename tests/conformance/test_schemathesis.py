"""Schemathesis asks every app everything that its document allows, and more: no answer may surprise.

All four of its phases: examples, coverage, fuzzing, stateful. The same questions each time, so that a failure is one
that can be repeated; few of them with every change, so that nobody waits for long, and many in the proof.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.testing.databases import Databases
from tests.conformance.apps import APPS, AppCase
from tests.conformance.live import serve_app

PROGRAM = str(Path(sys.executable).with_name("st"))
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
KEYS = "HEADWATER_CONFORMANCE_KEYS"
LEAST = 100
SECONDS = 240
PROOF_SECONDS = 1800
EXAMPLES = 6
PROOF_EXAMPLES = 60
"""Of each operation in the fuzzing phase, and of sequences in the stateful one."""


@pytest.mark.campaign
@pytest.mark.parametrize("case", APPS, ids=lambda case: case.name)
def test_no_answer_surprises_schemathesis(
    case: AppCase, headwater_databases: Databases, tmp_path: Path, proof: bool
) -> None:
    examples = str(PROOF_EXAMPLES if proof else EXAMPLES)
    with serve_app(case, headwater_databases) as live:
        command = [PROGRAM, "--config-file", str(CONFIGURATION), "run", "--no-color"]
        ran = subprocess.run(
            [*command, "--max-examples", examples, f"{live.url}/openapi.json"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(CONFIGURATION.parent), KEYS: "people" if live.headers else ""},
            capture_output=True,
            text=True,
            timeout=PROOF_SECONDS if proof else SECONDS,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr
    asked = re.search(r"(\d+) generated", ran.stdout)
    assert asked is not None
    assert int(asked[1]) > LEAST
