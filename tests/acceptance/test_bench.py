"""The measurements can still be made; what they say is nobody's test."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("row", ["relay", "read", "export", "redirect"])
def test_a_quick_run_of_a_row_ends_well_and_is_not_kept(row: str) -> None:
    results = PROJECT / "bench" / "results" / "latest.json"
    before = results.read_bytes()
    ran = subprocess.run(
        [sys.executable, "-m", "bench", row, "--quick", "--own-client"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"  {row}: " in ran.stdout
    assert results.read_bytes() == before
