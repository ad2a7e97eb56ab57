"""The consumers of a campaign: their effect is a row for every event they apply.

One takes events singly, one in batches, and one fails every so often, so that its keys go aside and come back.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final

from headwater import Tx
from headwater.backoff import Backoff
from headwater.consumer import Subscription, run_consumers
from tests.crash.facts import Moved

_APPLY = "insert into crash.applied (consumer, key, seq, event) values ($1, $2, $3, $4)"
_dice = random.Random()


class Stumble(Exception):
    """The failing consumer failed."""


async def singly(tx: Tx, event: Moved) -> None:
    await tx.run(_APPLY, "crash.singly", event.key, event.seq, event.event)


async def in_batches(tx: Tx, events: list[Moved]) -> None:
    for event in events:
        await tx.run(_APPLY, "crash.in_batches", event.key, event.seq, event.event)


async def stumbling(tx: Tx, event: Moved) -> None:
    await tx.run(_APPLY, "crash.stumbling", event.key, event.seq, event.event)
    if _dice.random() < 0.01:
        raise Stumble(f"key {event.key}, seq {event.seq}")


_SUBSCRIPTIONS: Final = (
    Subscription(name="crash.singly", app="crash", events=(Moved,), handler=singly),
    Subscription(name="crash.in_batches", app="crash", events=(Moved,), handler=in_batches, batch=100),
    Subscription(
        name="crash.stumbling",
        app="crash",
        events=(Moved,),
        handler=stumbling,
        retries=1000,
        backoff=Backoff(first=0.01, most=0.1),
    ),
)

CONSUMERS: Final = tuple(subscription.name for subscription in _SUBSCRIPTIONS)


async def consume_until(
    url: str, stop: asyncio.Event, *, step: Callable[[str], None], worker: int, workers: int
) -> None:
    """Be one consumer worker of the campaign."""
    await run_consumers(url, _SUBSCRIPTIONS, worker=worker, workers=workers, stop=stop, step=step)
