"""Bugs planted on purpose: the errors of those who came before us. The checker must catch each of them.

A process that is told a bug's name makes it its own before it starts.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

from msgspec import structs

from headwater.consumer import worker
from headwater.consumer.layout import Switch, switch
from headwater.log import START
from headwater.wal import appender, assembler, relay, slot
from headwater.wal.assembler import Fragment
from headwater.wal.pgoutput import decode_message


def event_lsn_as_key() -> None:
    """Each event stands at the LSN of its own record instead of its transaction's commit."""
    honest_message, honest_sort = assembler.Assembler._on_message, appender.Appender._sort
    lsns: dict[int, int] = {}

    def remember(self: Any, data: bytes) -> None:
        before = len(self._drafts)
        honest_message(self, data)
        for draft in self._drafts[before:]:
            lsns[id(draft.body)] = decode_message(data).lsn

    def sort(self: Any, fragments: Sequence[Fragment]) -> Any:
        alone = [
            structs.replace(fragment, commit_lsn=lsns.pop(id(draft.body), fragment.commit_lsn), drafts=[draft])
            for fragment in fragments
            for draft in fragment.drafts
        ]
        return honest_sort(self, alone)

    _plant(assembler.Assembler, "_on_message", remember)
    _plant(appender.Appender, "_sort", sort)


def acknowledge_before_append() -> None:
    """The slot forgets what is not yet in the log; nobody compares the two afterwards."""
    original = relay.Relay._append_group

    async def hasty(self: Any, group: Sequence[Fragment]) -> None:
        self._stream.acknowledge(group[-1].end_lsn or 0)
        await original(self, group)

    _plant(relay.Relay, "_append_group", hasty)
    _plant(slot, "check_slot", lambda *facts: None)


def queue_kept_over_reconnect() -> None:
    """What was read from a lost connection is appended after the next one began anew. The appender takes its time,
    so that there is something to keep."""
    original, honest_append = relay.Relay.__init__, relay.Relay._append_group
    kept: list[Any] = []

    def keep(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        if kept:
            self._queue = kept[0]._queue
            self._queued_bytes = kept[0]._queued_bytes
            self._assembler = kept[0]._assembler
            self._assembler._inside = False
        kept[:] = [self]

    async def take_time(self: Any, group: Sequence[Fragment]) -> None:
        await asyncio.sleep(0.02)
        await honest_append(self, group)

    _plant(relay.Relay, "__init__", keep)
    _plant(relay.Relay, "_append_group", take_time)


def publish_before_visible() -> None:
    """The gate stands open, and the log does not wait for the standby that the rows wait for, as a log in another
    system would not."""
    honest_init = appender.Appender.__init__

    def hasty(self: Any, connection: Any, *arguments: Any) -> None:
        honest_init(self, connection, *arguments)
        self._local = False

    async def nothing_unseen(self: Any, fragments: Sequence[Fragment]) -> list[int]:
        if not self._local:
            await self._connection.execute("set synchronous_commit = local")
            self._local = True
        return []

    _plant(appender.Appender, "__init__", hasty)
    _plant(appender.Appender, "_unseen", nothing_unseen)


def watermark_lost_on_repartition() -> None:
    """A consumer that passes into a new layout of partitions forgets how far it was."""

    async def forgetful(connection: Any, consumer: str) -> Any:
        outcome = await switch(connection, consumer)
        if outcome is Switch.SWITCHED:
            await connection.execute(
                "update headwater.watermark set position = $2 where consumer = $1", consumer, bytes(START)
            )
        return outcome

    _plant(worker, "switch", forgetful)


def none() -> None:
    """The product as it is."""


def _plant(owner: type | ModuleType, name: str, bug: Callable[..., Any]) -> None:
    """In the place of what is there, so that a name that has changed plants no bug unnoticed."""
    assert hasattr(owner, name)
    setattr(owner, name, bug)


PLANTED: Final[dict[str, Callable[[], None]]] = {
    plant.__name__.replace("_", "-"): plant
    for plant in (
        none,
        event_lsn_as_key,
        acknowledge_before_append,
        queue_kept_over_reconnect,
        publish_before_visible,
        watermark_lost_on_repartition,
    )
}
