"""Files that are replaced atomically, and folders that are synced to disk."""

import contextlib
import os
from pathlib import Path

from headwater.engines.account import Account


def write_whole(path: Path, text: str, account: Account | None) -> None:
    """Replace `path` atomically, readable by its owner only; on disk when this returns."""
    fresh = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    # O_EXCL: the account may own the folder, and must not make root follow a link that it created here.
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        if account is not None:
            account.own(fresh)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Sync the directory entries of `folder` to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
