"""Durability of a folder: a file and its name reach the disk before anyone is told that it is there.

obstore writes beside the final name and renames, so a reader sees all of a file or none; but it does not fsync
(object_store's `with_fsync` is off and out of reach from Python), and after a power cut the name may be there with no
bytes behind it.
"""

import os
import shutil
from pathlib import Path


def make_durable(folder: Path, key: str) -> None:
    """Wait until the file under `key` and every name on the way to it are on the disk. Blocks; raises `OSError`."""
    path = folder / key
    _sync(path)
    for parent in path.parents:
        _sync(parent)
        if parent == folder:
            return


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, also what an interrupted write left there under a name of its own."""
    shutil.rmtree(path, ignore_errors=False, onerror=_pass_over_missing)


def _pass_over_missing(function: object, path: str, found: tuple[type[BaseException], BaseException, object]) -> None:
    if not isinstance(found[1], FileNotFoundError):
        raise found[1]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
