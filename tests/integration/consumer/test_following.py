"""Following the log: every event once, in order per key, and the watermark with it."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from headwater.commit import Tx, read_envelope
from headwater.consumer import BadHandler, Delivery, EventsApplied, Subscription, lag
from headwater.log import EVENT, START, Position
from headwater.testing import Databases
from headwater.types import Changed, Event, Row
from tests.integration.consumer.harness import Happened, Ignored, Told, in_order, world, write_down


async def ledger(tx: Tx, event: Happened) -> None:
    await write_down(tx, event)


LEDGER = Subscription(name="test.ledger", app="test", events=(Happened,), handler=ledger)


async def test_every_event_is_applied_once_and_in_the_order_of_its_key(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here:
        await here.log.fill(keys=20, each=30)
        async with here.worker(LEDGER):
            await here.settled()
        assert in_order(20, 30) == await here.applied()


async def test_what_is_appended_later_is_applied_on_the_wake_up(headwater_databases: Databases) -> None:
    async with world(headwater_databases) as here, here.worker(LEDGER):
        for number in range(50):
            await here.log.append(Happened(key="a", number=number), Happened(key="b", number=number))
            await here.settled()
        assert {"a": list(range(50)), "b": list(range(50))} == await here.applied()
