"""A stream that is aborted, told with a store that takes its time to delete what it has received."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from headwater.objects import Location, Objects
from headwater.objects.parts import PART_BYTES


class SlowStore:
    """Ends an aborted write when it is told to."""

    foreign = ()

    def __init__(self) -> None:
        self.aborting = asyncio.Event()
        self.may_end = asyncio.Event()

    async def put_stream(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        try:
            async for _ in pieces:
                pass
        except Exception:
            self.aborting.set()
            await self.may_end.wait()
            raise


async def failing() -> AsyncIterator[bytes]:
    yield bytes(PART_BYTES + 1)
    raise ValueError("the source failed")


def objects_in(store: SlowStore) -> Objects:
    objects = Objects(Location(url="file:///nowhere"))
    objects.__dict__["_driver"] = store  # the cached property
    return objects


async def test_a_failed_source_is_raised_once_the_store_has_ended() -> None:
    store = SlowStore()
    putting = asyncio.create_task(objects_in(store).put("a", failing()))
    await store.aborting.wait()
    assert not putting.done()
    store.may_end.set()
    with pytest.raises(ValueError, match="the source failed"):
        await putting


async def test_a_cancellation_while_the_store_ends_is_not_swallowed() -> None:
    store = SlowStore()
    putting = asyncio.create_task(objects_in(store).put("a", failing()))
    await store.aborting.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    store.may_end.set()
