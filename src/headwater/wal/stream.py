"""The replication connection: a walsender on one side, decoded messages on the other.

The event loop drives psycopg's `pq` layer; nothing here blocks. `read_nowait` returns what has arrived, up to a bound,
so the reader decides how much is in memory, and TCP and the walsender wait meanwhile. A task of its own sends standby
status several times per `wal_sender_timeout`; a slow append or a paused reader cannot starve it.

Source: PostgreSQL manual, "Streaming Replication Protocol".
"""

import asyncio
import struct
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, NamedTuple, Self

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq.abc import PGconn, PGresult

from headwater.log import parse_lsn
from headwater.wal.control import UNLIMITED
from headwater.wal.errors import WalError

STATUS_EVERY_SECONDS: Final = 10.0
"""Longest time between two status messages; shorter when the server's `wal_sender_timeout` is short."""
STATUSES_PER_TIMEOUT: Final = 4
CONNECT_SECONDS: Final = 10.0

_BYTES_PER_READ = 256 * 1024

_XLOG_DATA = ord("w")
_XLOG_DATA_HEADER_BYTES = 25
_KEEPALIVE = struct.Struct(">xQqB")
_STATUS = struct.Struct(">cQQQqB")
_UNIX_SECONDS_AT_POSTGRES_EPOCH = 946_684_800

_SESSION = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    **UNLIMITED,
}
_PASSING = ("08", "53", "57")
"""Classes of SQLSTATE that are transient: lost connections, insufficient resources, operator intervention."""

_DEAD_PEER = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""A peer that disappears without closing the connection is detected within 30 seconds, unless the URL differs."""

_SENDER_TIMEOUT_MS = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'"


class StreamLost(WalError):
    """The replication connection is lost: {reason}."""


class ReplicationRefused(WalError):
    """PostgreSQL refused {command}: {reason}."""


class SlotBusy(ReplicationRefused):
    """Another relay uses the replication slot {slot!r}: {reason}."""


class System(NamedTuple):
    """The response to IDENTIFY_SYSTEM."""

    identifier: str
    timeline: int
    flushed_lsn: int
    database: str


class Received(NamedTuple):
    """One `read_nowait`: pgoutput messages in order, and the server's own position if a keepalive named it."""

    messages: list[bytes]
    keepalive_lsn: int | None


class ReplicationStream:
    """One replication connection; ``async with await ReplicationStream.connect(url) as stream``."""

    def __init__(self, connection: PGconn) -> None:
        self._connection = connection
        self._wake = asyncio.Event()
        self._acknowledged = 0
        self._status: asyncio.Task[None] | None = None
        self._lost: StreamLost | None = None

    @classmethod
    async def connect(cls, url: str, *, application_name: str) -> Self:
        """Raises `StreamLost` when PostgreSQL is not connected within `CONNECT_SECONDS`."""
        with _as_stream_lost():
            conninfo = _conninfo(url, application_name).encode()
            connection = pq.PGconn.connect_start(conninfo)
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await _finish_connecting(connection)
            except TimeoutError:
                connection.finish()
                raise StreamLost(reason=f"PostgreSQL did not respond within {CONNECT_SECONDS:g} seconds") from None
            except BaseException:
                connection.finish()
                raise
            connection.nonblocking = 1
        return cls(connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            if self._status is not None:
                self._status.cancel()
                # Awaiting it directly could not tell its cancellation from our own, and would swallow that.
                await asyncio.gather(self._status, return_exceptions=True)
        finally:
            self._connection.finish()

    async def identify(self) -> System:
        """The identity of the server, and its timeline."""
        identifier, timeline, lsn, database = (await self._command("IDENTIFY_SYSTEM"))[0]
        return System(identifier, int(timeline), parse_lsn(lsn), database)

    async def create_slot(self, slot: str) -> int:
        """Create a permanent slot that standbys may take over; returns the LSN from which on it holds every commit."""
        options = "(SNAPSHOT 'nothing', FAILOVER true)"
        rows = await self._command(f"CREATE_REPLICATION_SLOT {_identifier(slot)} LOGICAL pgoutput {options}")
        return parse_lsn(rows[0][1])

    async def start(self, slot: str, publication: str) -> None:
        """Stream from the slot's own position; raises `SlotBusy` while another process holds it."""
        options: Mapping[str, str] = {
            "proto_version": "1",
            "publication_names": _identifier(publication),
            "messages": "true",
        }
        listed = ", ".join(f"\"{name}\" '{_literal(value)}'" for name, value in options.items())
        every = await self._status_seconds()
        command = f"START_REPLICATION SLOT {_identifier(slot)} LOGICAL 0/0 ({listed})"
        result = await self._execute(command)
        if result.status != pq.ExecStatus.COPY_BOTH:
            if _state(result) == "55006":
                raise SlotBusy(slot=slot, command="START_REPLICATION", reason=_message(result))
            raise _refusal("START_REPLICATION", result)
        self._status = asyncio.create_task(self._keep_telling(every), name="standby status")

    def read_nowait(self) -> Received | None:
        """Return what has arrived, up to a bound, or None. Raises `StreamLost` once the stream has ended.

        It reads the socket once. The walsender sends each message by itself, so one read returns little; but a second
        read at once would return as little, while a whole socket buffer is waiting after this one has been decoded.
        Measured: half the system time.
        """
        with _as_stream_lost():
            received = self._take()
            if received is None:
                self._connection.consume_input()
                received = self._take()
            return received

    async def wait_readable(self) -> None:
        """Wait until `read_nowait` has something, or raises."""
        with _as_stream_lost():
            await self._wait_for_input()

    def acknowledge(self, lsn: int) -> None:
        """Tell the server, at once, that everything before `lsn` is no longer needed."""
        if lsn > self._acknowledged:
            self._acknowledged = lsn
            self._tell()

    @property
    def acknowledged(self) -> int:
        return self._acknowledged

    def _take(self) -> Received | None:
        """Take what libpq has buffered, up to a bound."""
        messages: list[bytes] = []
        keepalive: int | None = None
        receive, left = self._connection.get_copy_data, _BYTES_PER_READ
        while left > 0:
            size, data = receive(1)
            if size == 0:
                break
            if size < 0:
                raise self._ended()
            left -= size
            if data[0] == _XLOG_DATA:
                messages.append(data[_XLOG_DATA_HEADER_BYTES:].tobytes())
            else:
                keepalive = self._on_keepalive(data)
        return Received(messages, keepalive) if messages or keepalive is not None else None

    def _on_keepalive(self, data: memoryview) -> int:
        lsn, _, reply_requested = _KEEPALIVE.unpack(data)
        if reply_requested:
            self._tell()
        return int(lsn)

    async def _wait_for_input(self) -> None:
        """Wait until the socket is readable. Between calls it is not watched: unread data stays in TCP, which is the
        backpressure."""
        loop, socket = asyncio.get_running_loop(), self._connection.socket
        self._wake.clear()
        loop.add_reader(socket, self._wake.set)
        try:
            if self._lost is None:
                await self._wake.wait()
        finally:
            loop.remove_reader(socket)
        if self._lost is not None:
            raise self._lost

    def _ended(self) -> StreamLost:
        if (result := self._connection.get_result()) is not None:
            return StreamLost(reason=_message(result) or "the server ended the stream")
        return StreamLost(reason=self._connection.get_error_message() or "the server ended the stream")

    def _tell(self) -> None:
        now = int((time.time() - _UNIX_SECONDS_AT_POSTGRES_EPOCH) * 1_000_000)
        lsn = self._acknowledged
        try:
            self._connection.put_copy_data(_STATUS.pack(b"r", lsn, lsn, lsn, now, 0))
            self._connection.flush()
        except psycopg.Error as error:
            self._lost = StreamLost(reason=str(error))
            self._wake.set()

    async def _keep_telling(self, every: float) -> None:
        while True:
            self._tell()
            await asyncio.sleep(every)

    async def _status_seconds(self) -> float:
        """The server drops a client that is silent for `wal_sender_timeout`, unless that is 0."""
        ((timeout_ms,),) = await self._command(_SENDER_TIMEOUT_MS)
        if timeout_ms == "0":
            return STATUS_EVERY_SECONDS
        return min(STATUS_EVERY_SECONDS, int(timeout_ms) / 1000 / STATUSES_PER_TIMEOUT)

    async def _command(self, command: str) -> list[tuple[str, ...]]:
        result = await self._execute(command)
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise _refusal(command.split(" ", 1)[0], result)
        return [
            tuple((result.get_value(row, column) or b"").decode() for column in range(result.nfields))
            for row in range(result.ntuples)
        ]

    async def _execute(self, command: str) -> PGresult:
        with _as_stream_lost():
            self._connection.send_query(command.encode())
            self._connection.flush()
            last: PGresult | None = None
            while True:
                while self._connection.is_busy():
                    await self._wait_for_input()
                    self._connection.consume_input()
                result = self._connection.get_result()
                if result is None:
                    assert last is not None
                    return last
                last = result
                if result.status == pq.ExecStatus.COPY_BOTH:
                    return result


class _as_stream_lost:
    """Any error of libpq means that the connection is lost."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, psycopg.Error):
            raise StreamLost(reason=str(error).strip()) from error


def _conninfo(url: str, application_name: str) -> str:
    given = conninfo_to_dict(url)
    patience = {name: value for name, value in _DEAD_PEER.items() if name not in given}
    return make_conninfo(
        url,
        replication="database",
        application_name=application_name,
        client_encoding="UTF8",
        options=" ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
        **patience,
    )


async def _finish_connecting(connection: PGconn) -> None:
    loop = asyncio.get_running_loop()
    while True:
        if connection.status == pq.ConnStatus.BAD:
            raise StreamLost(reason=connection.get_error_message())
        match connection.connect_poll():
            case pq.PollingStatus.OK:
                return
            case pq.PollingStatus.FAILED:
                raise StreamLost(reason=connection.get_error_message())
            case pq.PollingStatus.READING:
                await _until(loop.add_reader, loop.remove_reader, connection.socket)
            case _:
                await _until(loop.add_writer, loop.remove_writer, connection.socket)


async def _until(watch: Callable[..., object], forget: Callable[[int], object], socket: int) -> None:
    ready = asyncio.Event()
    watch(socket, ready.set)
    try:
        await ready.wait()
    finally:
        forget(socket)


def _refusal(command: str, result: PGresult) -> WalError:
    if _state(result)[:2] in _PASSING:
        return StreamLost(reason=_message(result))
    return ReplicationRefused(command=command, reason=_message(result))


def _state(result: PGresult) -> str:
    return (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()


def _message(result: PGresult) -> str:
    return (result.get_error_message() or "").strip()


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return text.replace("'", "''")
