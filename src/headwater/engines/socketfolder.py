"""The private folder of a server's unix socket; elsewhere if its path is too long for a socket."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from headwater.engines.account import Account

LONGEST_PATH_BYTES = 107
"""sun_path has 108 bytes, with the terminating zero (unix(7))."""

PREFIX = "headwater-"


class SocketFolder:
    """`path` if it is usable, else a folder with a short path, and a symbolic link to it at `path`."""

    def __init__(self, path: Path, longest_name: str, account: Account | None) -> None:
        self._path = path
        self._longest_name = longest_name
        self._account = account

    def create(self) -> Path:
        """Create an empty folder with mode 0700, owned by the account, in place of one of an earlier run."""
        self.remove()
        if self._usable(self._path):
            self._path.mkdir(mode=0o700)
            folder = self._path
        else:
            folder = self._create_short()
            self._path.symlink_to(folder)
        if self._account is not None:
            self._account.own(folder)
        return folder

    def remove(self) -> None:
        """Remove the folder and its sockets, wherever it is."""
        if self._path.is_symlink():
            target = self._path.readlink()
            if target.name.startswith(PREFIX) and self._owned(target):
                shutil.rmtree(target, ignore_errors=True)
            self._path.unlink()
        elif self._path.exists():
            shutil.rmtree(self._path)

    def _owned(self, folder: Path) -> bool:
        owner = os.geteuid() if self._account is None else self._account.uid
        try:
            return folder.lstat().st_uid == owner
        except FileNotFoundError:
            return False

    def _create_short(self) -> Path:
        """The same name at each start, because a server that restarts after a crash must keep its address."""
        name = PREFIX + hashlib.sha256(os.fsencode(self._path)).hexdigest()[:12]
        for base in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/run")):
            if self._usable(Path(base) / name) and os.access(base, os.W_OK):
                try:
                    os.mkdir(Path(base) / name, 0o700)
                except FileExistsError:  # of another user, or of an earlier run whose link is missing
                    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
                return Path(base) / name
        raise OSError(f"no folder's path is short enough for a socket path of {LONGEST_PATH_BYTES} bytes")

    def _usable(self, folder: Path) -> bool:
        """Short enough, and without the characters that separate or quote folders in PostgreSQL's URL and setting."""
        whole = os.fsencode(folder / self._longest_name)
        return len(whole) <= LONGEST_PATH_BYTES and not set(whole) & set(b',"\n')
