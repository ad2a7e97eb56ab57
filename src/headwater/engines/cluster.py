"""A PostgreSQL data folder: made whole or not at all, checked, configured."""

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
    "--locale-provider=builtin",  # sorts alike on every machine and after every upgrade of its C library
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--auth=trust",  # only the private folder of the socket leads in, and there is no TCP
    "--no-instructions",
)
LETTERS = "C.UTF-8"
STATUS_LINE = 7
SOCKET_FOLDER_LINE = 4


class Cluster:
    """The folder `data` and what is in it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._new = data.with_name(data.name + ".new")

    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def check(self, programs: PostgresPrograms) -> None:
        """Raises `OtherVersion`, or `FolderUnusable` if something else than a cluster is here."""
        if not self.exists():
            if self.data.exists() and any(self.data.iterdir()):
                raise FolderUnusable(
                    folder=self.data, engine="postgres", reason="it holds files, but they are no PostgreSQL cluster"
                )
            return
        found, wanted = int((self.data / "PG_VERSION").read_text()), programs.major()
        if found != wanted:
            raise OtherVersion(folder=self.data, found=found, wanted=wanted)

    async def initialise(
        self, programs: PostgresPrograms, account: Account | None, log: ServerLog, *, durable: bool
    ) -> None:
        """Make the cluster beside its place and move it there in one step, once it is on disk."""
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
                engine="postgres", reason=f"initdb ended with status {status}", log=log.path, tail=log.tail()
            )
        self._move_into_place(account, durable=durable)

    def configure(self, settings: Mapping[str, str], account: Account | None) -> None:
        path, text = self.data / "headwater.conf", configuration.render(settings)
        if path.read_text(encoding="utf-8") != text:  # on a full disk, what need not be written must not fail
            write_whole(path, text, account)

    def forget_postmaster(self) -> None:
        """Remove what a postmaster that did not stop in order left; only when none lives in `data`.

        PostgreSQL looks itself whether the process of its lock file lives, but takes any process of the same user
        that has got the number since for a postmaster: after a restart of a container that is the rule.
        """
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def ready(self, pid: int) -> bool:
        """Whether the postmaster `pid` says in its lock file that it accepts connections."""
        lines = self._postmaster_lines()
        return len(lines) > STATUS_LINE and lines[0] == str(pid) and lines[STATUS_LINE].strip() == "ready"

    def running_socket_folder(self) -> str | None:
        """The folder of the socket of the postmaster that runs here now, if one does."""
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
    """What lets pg_trgm, which asks the C library, know letters beyond ASCII; without it there, only those."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, LETTERS)
    except locale.Error:
        return ()
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return (f"--lc-ctype={LETTERS}",)
