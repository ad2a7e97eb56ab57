"""Files and folders that a server finds whole or not at all."""

import contextlib
import os
from pathlib import Path

from headwater.engines.account import Account


def write_whole(path: Path, text: str, account: Account | None) -> None:
    """Replace `path` in one step, readable by its owner only; on disk when this returns."""
    fresh = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    # O_EXCL: the folder may be the account's, which must not make root follow a link that it placed here.
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        if account is not None:
            account.own(fresh)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
