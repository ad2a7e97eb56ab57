"""The structure holds: imports go downward, and importing Headwater costs next to nothing."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("asyncpg", "psycopg", "granian", "cyclopts", "rich", "structlog", "prometheus_client", "msgspec")


def test_imports_go_downward_only() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_headwater_loads_nothing_heavy() -> None:
    script = f"import sys, headwater; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_of_the_package_can_be_imported() -> None:
    script = "import headwater; [getattr(headwater, name) for name in headwater.__all__]"
    subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
