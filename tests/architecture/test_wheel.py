"""What is installed has all that a backend needs: the SQL too."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(ZipFile(wheel).namelist())
    kept = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "headwater"],
        cwd=ROOT / "src",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [name for name in kept if name not in held] == []
    assert any(name.endswith("log/append.sql") for name in kept)
