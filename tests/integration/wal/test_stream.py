"""The replication connection: what it says when there is nobody, nobody it knows, or nobody any more."""

import asyncio
import socket

import pytest

from headwater.wal import stream as streams
from headwater.wal.stream import ReplicationRefused, ReplicationStream, StreamLost
from tests.integration.wal.harness import emit, eventually, new_log


async def test_a_server_that_never_answers_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(StreamLost, match="did not respond within"):
            await ReplicationStream.connect(f"postgresql://nobody@127.0.0.1:{port}/nowhere", application_name="test")


async def test_a_server_that_is_not_there_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(StreamLost, match="refused"):
        await ReplicationStream.connect(f"postgresql://nobody@127.0.0.1:{port}/nowhere", application_name="test")


async def test_a_database_that_is_not_there_is_named(server: str) -> None:
    with pytest.raises(StreamLost, match="nowhere"):
        await ReplicationStream.connect(server.replace("/headwater?", "/nowhere?"), application_name="test")


async def test_a_slot_that_is_not_there_is_refused(server: str) -> None:
    async with await ReplicationStream.connect(server, application_name="test") as stream:
        with pytest.raises(ReplicationRefused, match="nothing_here"):
            await stream.start("nothing_here", "headwater")


async def test_names_are_quoted(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute("""create publication "a 'b"" c" """)
        await log.connection.execute("select pg_create_logical_replication_slot($1, 'pgoutput')", log.slot)
        async with await ReplicationStream.connect(log.url, application_name="test") as stream:
            await stream.start(log.slot, """a 'b" c""")
            await emit(log.connection, 1)
            assert b"headwater" in await asyncio.wait_for(first_of_kind(stream, b"M"), 10)


async def test_an_end_that_the_server_announces_is_lost_with_its_reason(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with await ReplicationStream.connect(log.url, application_name="test") as stream:
            await stream.start(log.slot, log.slot)
            kill = "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1"
            assert await eventually(lambda: log.connection.fetchval(kill, log.slot))
            with pytest.raises(StreamLost, match="administrator"):
                await read_for_ever(stream)


async def test_the_systems_identity_is_that_of_the_database(server: str) -> None:
    async with new_log(server) as log, await ReplicationStream.connect(log.url, application_name="test") as stream:
        system = await stream.identify()
        known = await log.connection.fetchval("select system_identifier::text from pg_control_system()")
        assert (system.identifier, system.timeline, system.database) == (known, 1, log.slot)


async def read_for_ever(stream: ReplicationStream) -> None:
    while True:
        await first_of_kind(stream, b"nothing")


async def first_of_kind(stream: ReplicationStream, kind: bytes) -> bytes:
    while True:
        received = stream.read_nowait()
        if received is None:
            await stream.wait_readable()
            continue
        for message in received.messages:
            if message.startswith(kind):
                return message
