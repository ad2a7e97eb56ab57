"""The system user that a server runs as when Headwater itself runs as root."""

import os
import pwd
from pathlib import Path

import msgspec

from headwater.engines.engine import NoAccount

NAMES = ("headwater", "postgres", "nobody")


class Account(msgspec.Struct, frozen=True):
    """A user and its primary group; a server gets no supplementary groups."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Make the account the owner of `path`; of a symbolic link itself, not of its target."""
        os.lchown(path, self.uid, self.gid)


def choose_account(data: Path) -> Account | None:
    """None if Headwater does not run as root: then the server runs as the same user.

    As root: the owner of `data` if it exists, so that a user created later does not lock the server out of its own
    files; for a new folder, the first of `NAMES` that exists. Raises `NoAccount` if none does.
    """
    if os.geteuid() != 0:
        return None
    return _owner(data) or _first_existing()


def _owner(data: Path) -> Account | None:
    try:
        status = data.stat()
    except FileNotFoundError:
        return None
    if status.st_uid == 0:
        return None
    return Account(name=_name(status.st_uid), uid=status.st_uid, gid=status.st_gid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _first_existing() -> Account:
    for name in NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise NoAccount(names=", ".join(NAMES))
