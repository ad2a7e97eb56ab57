"""Runs the tools that `scripts/interop` has installed."""

import os
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent
SECONDS = 60


def run(tool: str, *arguments: str | Path, cwd: Path = FOLDER) -> str:
    """What a tool printed; fails the test with that if it does not succeed."""
    ran = subprocess.run(
        [FOLDER / "node_modules" / ".bin" / tool, *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, f"{tool}: {ran.stdout}\n{ran.stderr}"
    return ran.stdout + ran.stderr
