"""A PostgreSQL data directory: created atomically, checked, configured."""

import locale
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from headwater.engines import configuration
from headwater.engines.account import Account
from headwater.engines.engine import EngineFailed, FolderUnusable, OtherVersion
from headwater.engines.files import sync_folder, write_whole
from headwater.engines.process import STOP_PROGRAM, launch
from headwater.engines.programs import PostgresPrograms
from headwater.engines.serverlog import ServerLog

ROLE = "headwater"
INITDB_OPTIONS = (
    f"--username={ROLE}",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",  # sorts the same on every machine and after every upgrade of its C library
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--auth=trust",  # reachable only through the socket in its private folder; there is no TCP
    "--no-instructions",
)
LETTERS = "C.UTF-8"
STATUS_LINE = 7
SOCKET_FOLDER_LINE = 4


class Cluster:
    """A cluster in the folder `data`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._new = data.with_name(data.name + ".new")

    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def check(self, programs: PostgresPrograms) -> None:
        """Raises `OtherVersion`, or `FolderUnusable` if the folder holds anything but a cluster."""
        if not self.exists():
            if self.data.exists() and any(self.data.iterdir()):
                raise FolderUnusable(
                    folder=self.data, engine="postgres", reason="it holds files that are not a PostgreSQL cluster"
                )
            return
        found, wanted = int((self.data / "PG_VERSION").read_text()), programs.major()
        if found != wanted:
            raise OtherVersion(folder=self.data, found=found, wanted=wanted)

    async def initialise(
        self, programs: PostgresPrograms, account: Account | None, log: ServerLog, *, durable: bool
    ) -> None:
        """Create the cluster in a temporary folder and rename it once it is on disk."""
        self._make_new(account)
        output = log.open()
        try:
            initdb = launch(
                [
                    programs.initdb,
                    *INITDB_OPTIONS,
                    *_letters(),
                    *(() if durable else ("--no-sync",)),
                    "-D",
                    self._new,
                ],
                account=account,
                output=output,
                death_signal=STOP_PROGRAM[0][0],
                paths=[programs.catalog, self._new],
            )
        finally:
            os.close(output)
        try:
            status = await initdb.wait()
        finally:
            await initdb.end(STOP_PROGRAM)
        if status != 0:
            shutil.rmtree(self._new, ignore_errors=True)
            raise EngineFailed(
                engine="postgres", reason=f"initdb exited with status {status}", log=log.path, tail=log.tail()
            )
        self._move_into_place(account, durable=durable)

    def configure(self, settings: Mapping[str, str], account: Account | None) -> None:
        path, text = self.data / "headwater.conf", configuration.render(settings)
        if path.read_text(encoding="utf-8") != text:  # a full disk must not matter if nothing has to be written
            write_whole(path, text, account)

    def forget_postmaster(self) -> None:
        """Remove the lock file of a postmaster that crashed; call it only when none runs in `data`.

        PostgreSQL checks whether the process in its lock file is alive, but accepts any process of the same user with
        that number. After a restart of a container there usually is one.
        """
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def ready(self, pid: int) -> bool:
        """Whether the lock file of the postmaster `pid` says that it accepts connections."""
        lines = self._postmaster_lines()
        return len(lines) > STATUS_LINE and lines[0] == str(pid) and lines[STATUS_LINE].strip() == "ready"

    def running_socket_folder(self) -> str | None:
        """The socket's folder of the postmaster that runs here, if one does."""
        lines = self._postmaster_lines()
        if len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready" and Path("/proc", lines[0]).exists():
            return lines[SOCKET_FOLDER_LINE]
        return None

    def _postmaster_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return []

    def _make_new(self, account: Account | None) -> None:
        if self._new.exists():
            shutil.rmtree(self._new)
        self._new.mkdir(mode=0o700)
        if account is not None:
            account.own(self._new)

    def _move_into_place(self, account: Account | None, *, durable: bool) -> None:
        write_whole(self._new / "headwater.conf", "", account)
        write_whole(
            self._new / "postgresql.conf",
            "# Yours: what stands below the first line wins over Headwater's own settings.\ninclude 'headwater.conf'\n",
            account,
        )
        if self.data.exists():
            self.data.rmdir()
        self._new.rename(self.data)
        if durable:
            sync_folder(self.data.parent)


def _letters() -> tuple[str, ...]:
    """The option that lets pg_trgm, which uses the C library, know letters beyond ASCII, if the locale exists here."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, LETTERS)
    except locale.Error:
        return ()
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return (f"--lc-ctype={LETTERS}",)
