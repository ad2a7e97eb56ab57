"""The room in which tests of several processes stand."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.room import Room

LOOK = """
import fcntl, sys
try:
    fcntl.flock(open(sys.argv[1]), getattr(fcntl, sys.argv[2]) | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(3)
"""
WAIT = """
import sys
from pathlib import Path
from tests.room import Room
with Room(Path(sys.argv[1])).entered(alone=True): pass
"""


def is_free(file: Path, how: str) -> bool:
    """Whether another process may take the lock now."""
    return subprocess.run([sys.executable, "-c", LOOK, file, how], check=False).returncode == 0


@pytest.mark.parametrize(("alone", "others"), [(False, True), (True, False)])
def test_others_may_be_in_the_room_unless_it_is_to_be_quiet(tmp_path: Path, alone: bool, others: bool) -> None:
    room = Room(tmp_path)
    with room.entered(alone=alone):
        assert is_free(room.inside, "LOCK_SH") is others
        assert not is_free(room.inside, "LOCK_EX")
        assert is_free(room.door, "LOCK_EX"), "who is inside stands in nobody's way"
    assert is_free(room.inside, "LOCK_EX")


def test_who_waits_to_be_alone_lets_nobody_else_in(tmp_path: Path) -> None:
    room = Room(tmp_path)
    with room.entered(alone=False), subprocess.Popen([sys.executable, "-c", WAIT, tmp_path]) as waiting:
        while is_free(room.door, "LOCK_EX"):
            assert waiting.poll() is None, "it did not wait"
        waiting.kill()
