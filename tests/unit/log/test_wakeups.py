"""Wake-ups as an object: what does not need a server to be seen."""

import asyncio

import pytest

from headwater.log.wakeups import Wakeups


def test_whoever_is_stopped_while_the_wake_ups_are_left_stops() -> None:
    async def main() -> None:
        wakeups = Wakeups("postgresql://nobody@127.0.0.1:1/nowhere")
        wakeups._task = asyncio.create_task(asyncio.sleep(60))

        async def leave() -> None:
            try:
                await asyncio.sleep(0)
            finally:
                await wakeups.__aexit__(None, None, None)

        leaving = asyncio.create_task(leave())
        for _ in range(2):
            await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving

    asyncio.run(main())
