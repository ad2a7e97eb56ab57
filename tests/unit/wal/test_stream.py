"""A replication stream as an object: what does not need a server to be seen."""

import asyncio
from typing import Any

import pytest

from headwater.wal.stream import ReplicationStream


class Connection:
    finished = False

    def finish(self) -> None:
        self.finished = True


def test_whoever_is_stopped_while_the_stream_is_left_stops() -> None:
    async def main() -> None:
        connection: Any = Connection()
        stream = ReplicationStream(connection)
        stream._status = asyncio.create_task(asyncio.sleep(60))

        async def leave() -> None:
            async with stream:
                await asyncio.sleep(0)

        leaving = asyncio.create_task(leave())
        for _ in range(2):
            await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert connection.finished

    asyncio.run(main())
