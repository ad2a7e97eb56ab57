"""A room for the tests of all processes of a run: many may be in it, or one that needs it quiet."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


class Room:
    """In `folder`, which all processes name."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.door = folder / "door"
        self.inside = folder / "inside"

    @contextmanager
    def entered(self, *, alone: bool) -> Iterator[None]:
        """Who waits to be alone stands in the door, so that nobody else comes in meanwhile."""
        with ExitStack() as staying:
            with _locked(self.door, fcntl.LOCK_EX):
                staying.enter_context(_locked(self.inside, fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
            yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, how)
        yield
