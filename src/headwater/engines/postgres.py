"""PostgreSQL: embedded, from the wheel and in a folder of its own, or external, by its URL."""

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import asyncpg

from headwater.engines import configuration
from headwater.engines.address import shown_host, without_password
from headwater.engines.cluster import ROLE, Cluster
from headwater.engines.embedded import EmbeddedServer
from headwater.engines.engine import EngineNotRunning, EngineUnreachable
from headwater.engines.external import ExternalServer
from headwater.engines.process import ChildProcess
from headwater.engines.programs import PostgresPrograms, find_postgres

DATABASE = "headwater"
VARIABLE = "HEADWATER_POSTGRES_URL"
CONNECT_SECONDS = 5.0
CONNECT_ERRORS = (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)


class EmbeddedPostgres(EmbeddedServer):
    """One cluster in `folder`, reachable by a unix socket only, with a superuser and a database named ``headwater``.

    `settings` are PostgreSQL's own and override Headwater's. `durable=False` trades durability for speed, for clusters
    of tests.
    """

    name = "postgres"
    program = "postgres"
    variable = VARIABLE
    socket_name = ".s.PGSQL.5432.lock"
    # Fast shutdown, immediate shutdown (PostgreSQL documentation, "Shutting Down the Server"). Fast waits for a
    # checkpoint and until replication has received everything; immediate leaves both to the next start.
    steps = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 5.0))
    # Fast leaves nothing to recover; if it hangs, the next start takes all steps.
    death_signal = signal.SIGINT
    # Crash recovery reads the WAL since the last checkpoint, which is slow on slow disks.
    ready_seconds = 300.0

    def __init__(self, folder: Path, *, settings: Mapping[str, str] = {}, durable: bool = True) -> None:
        super().__init__(folder)
        self._settings = configuration.compose(settings, durable=durable)
        self._durable = durable
        self._cluster = Cluster(self.data)
        self._programs: PostgresPrograms | None = None

    async def _prepare(self, sockets: Path) -> None:
        programs = self._found()
        self._cluster.check(programs)
        if not self._cluster.exists():
            await self._cluster.initialise(programs, self._account, self.log, durable=self._durable)
        self._cluster.forget_postmaster()
        self._cluster.configure({**self._settings, "unix_socket_directories": str(sockets)}, self._account)

    def _command(self, sockets: Path) -> Sequence[str | Path]:
        promised = configuration.command_line({**self._settings, "unix_socket_directories": str(sockets)})
        return [self._found().postgres, "-D", self.data.resolve(), *promised]

    def _paths(self) -> Sequence[Path]:
        return [self._found().catalog, self.data]

    async def _is_ready(self, process: ChildProcess) -> bool:
        return self._cluster.ready(process.pid)

    async def _finish(self) -> None:
        """Create the database at the first start."""
        try:
            connection = await asyncpg.connect(self.url, database="postgres", timeout=CONNECT_SECONDS)
            try:
                if not await connection.fetchval(
                    "select exists (select from pg_database where datname = $1)", DATABASE
                ):
                    await connection.execute(f"create database {DATABASE}")
            finally:
                await connection.close()
        except CONNECT_ERRORS as error:
            raise self._failed(explain(error, self.url)) from error

    def _url(self, sockets: Path) -> str:
        return _socket_url(str(sockets))

    def _found(self) -> PostgresPrograms:
        if self._programs is None:
            self._programs = find_postgres()
        return self._programs


class ExternalPostgres(ExternalServer):
    """The server at `url`; `headwater doctor` checks whether it is fit."""

    name = "postgres"

    async def start(self) -> None:
        """Raises `EngineUnreachable`, naming the host and the cause."""
        try:
            connection = await asyncpg.connect(self.url, timeout=CONNECT_SECONDS)
        except CONNECT_ERRORS as error:
            raise EngineUnreachable(
                engine="PostgreSQL", host=shown_host(self.url), reason=explain(error, self.url)
            ) from None
        await connection.close()


def running_postgres_url(folder: Path) -> str:
    """The URL of the PostgreSQL that another process runs in `folder`; raises `EngineNotRunning`."""
    sockets = Cluster(folder.absolute() / "data").running_socket_folder()
    if sockets is None:
        raise EngineNotRunning(engine="postgres", folder=folder, variable=VARIABLE)
    return _socket_url(sockets)


def explain(error: BaseException, url: str) -> str:
    """The cause of a failed connection in one line, without the password of `url`."""
    if isinstance(error, TimeoutError):
        return f"no response within {CONNECT_SECONDS:g} seconds"
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return without_password(" ".join(said.split()), url)


def _socket_url(sockets: str) -> str:
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(sockets, safe='/')}"
