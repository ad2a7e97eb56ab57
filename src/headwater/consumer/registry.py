"""The registry: the consumers and their watermarks.

A consumer is registered once, when a worker that has its code first starts; from then on the log keeps what it has
not applied. A replay runs the handler of one under a name and with watermarks of its own, from any position that
the log still holds.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from headwater.consumer.errors import ConsumerExists, PositionExpired, UnknownConsumer
from headwater.consumer.occurrences import ConsumerRegistered
from headwater.consumer.subscription import Subscription
from headwater.db import Connection, Pool, Session
from headwater.log import START, Position, list_segments
from headwater.observe import report


class Registered(msgspec.Struct, frozen=True):
    """A row of the registry."""

    name: str
    handler: str
    generation: int


_ALL: Final = "select name, handler, generation from headwater.consumer order by name"
_REGISTER: Final = "select headwater.register($1, $2, $3)"
_FORGET: Final = "delete from headwater.consumer where name = $1"
_HANDLER: Final = "select handler from headwater.consumer where name = $1"


async def register(pool: Pool, subscriptions: Iterable[Subscription]) -> None:
    """Register every new subscription, with its watermarks. Several workers may do so concurrently."""
    async with pool.acquire() as connection:
        session = Session(connection)
        known = {registered.name for registered in await registered_consumers(session)}
        for subscription in subscriptions:
            if subscription.name not in known:
                start = bytes(START) if subscription.start == "start" else None
                if await session.one(bool, _REGISTER, subscription.name, subscription.name, start):
                    report(ConsumerRegistered(consumer=subscription.name))


async def registered_consumers(session: Session) -> list[Registered]:
    """Every registered consumer, with or without code; the log retains what it has not applied."""
    return await session.all(Registered, _ALL)


async def replay(pool: Pool, consumer: str, as_name: str, from_position: Position = START) -> None:
    """Run the handler of `consumer` under the name `as_name` over the log again, from behind `from_position`.

    Workers run it from their next survey on. Raises `UnknownConsumer`, `ConsumerExists`, and `PositionExpired` for a
    position before what the log still holds; `START` means all of that.
    """
    async with pool.acquire() as connection:
        session = Session(connection)
        handler = await session.maybe(str, _HANDLER, consumer)
        if handler is None:
            raise await _unknown(session, consumer)
        oldest = await _oldest_held(connection)
        if from_position != START and from_position < oldest:
            raise PositionExpired(position=from_position, oldest=oldest)
        if not await session.one(bool, _REGISTER, as_name, handler, bytes(from_position)):
            raise ConsumerExists(consumer=as_name)


async def forget(pool: Pool, consumer: str) -> None:
    """Remove a consumer, its watermarks and what it has set aside; the log retains nothing for it any more.

    If there is code for it, the next worker that starts registers it again. Raises `UnknownConsumer`.
    """
    async with pool.acquire() as connection:
        session = Session(connection)
        if await session.run(_FORGET, consumer) == 0:
            raise await _unknown(session, consumer)


async def _oldest_held(connection: Connection) -> Position:
    segments = await list_segments(connection)
    return Position(segments[0].epoch, segments[0].begin, 0) if segments else START


async def _unknown(session: Session, consumer: str) -> UnknownConsumer:
    known = ", ".join(registered.name for registered in await registered_consumers(session)) or "none"
    return UnknownConsumer(consumer=consumer, known=known)
