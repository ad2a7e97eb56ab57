"""Durability of a folder: a file and its name are on the disk before `put` returns.

obstore writes a temporary file and renames it, so a reader sees all of a file or none; but it does not fsync
(object_store's `with_fsync` is off, and Python cannot set it), so after a power failure the name may exist with no
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
    """Remove a folder with everything in it, temporary files of interrupted writes included."""
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
