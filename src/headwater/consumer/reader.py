"""From entries of the log to deliveries: what a subscription wants, decoded; the rest passed over cheaply.

An entry's header is decoded first (a quarter of a microsecond); only what is wanted is decoded whole. An event whose
version is newer than the class in this code is never guessed at: it stops the partition until newer code comes
(guarantee G10). So does an older one that the class cannot read any more, and a kind of entry that is not known. An
event of the class's own version that does not fit it is the event's own failure.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from headwater.commit import decode_envelope, decode_header
from headwater.consumer.delivery import Delivery
from headwater.consumer.errors import ConsumerError, TooNew, Unreadable
from headwater.consumer.subscription import Subscription, table_of
from headwater.log import CHANGE, EVENT, MALFORMED, Entry, MalformedBatch, Position, read_entries
from headwater.log.change import decode_change, decode_change_header
from headwater.types import Changed, Event

ANYTHING: Final = "*"
"""Stands among the topics of a batch for an entry that nothing is known about: everyone has to look."""


def topic_of(kind: int, body: bytes) -> str:
    """What an entry is about: an event's type, ``table:shop.product``, nothing, or `ANYTHING`."""
    if kind == EVENT:
        return decode_header(body).type
    if kind == CHANGE:
        return f"table:{decode_change_header(body).table}"
    return "" if kind == MALFORMED else ANYTHING


def topics_of(last: bytes, payload: bytes) -> set[str]:
    """What the entries of a batch are about; `ANYTHING` if that cannot be said."""
    try:
        return {topic_of(entry.kind, entry.body) for entry in _entries(last, payload)}
    except (MalformedBatch, msgspec.DecodeError, UnicodeDecodeError):
        return {ANYTHING}


class _EventKind:
    """One event class, ready to decode."""

    __slots__ = ("decode", "name", "version")

    def __init__(self, event: type[Event]) -> None:
        self.name = event.__name__
        self.version = event.__event_version__
        self.decode: Callable[[Any], Event] = msgspec.json.Decoder(event).decode


class Portion(msgspec.Struct):
    """What one transaction can apply: the deliveries, and where the watermark stands after them.

    `obstacle` is why nothing after `end` could be read, if that is so; it happened at `obstructing`.
    """

    deliveries: list[Delivery]
    end: Position
    passed: int
    """Entries that nobody wanted."""
    obstacle: ConsumerError | None = None
    obstructing: Entry | None = None


class LogReader:
    """What one consumer makes of the log. Compiled once from its subscription; `consumer` may be a replay's name."""

    def __init__(self, consumer: str, subscription: Subscription) -> None:
        self._consumer = consumer
        self._events: dict[str, _EventKind] = {}
        self._tables: set[str] = set()
        self._old = frozenset(subscription.old)
        for interest in subscription.events:
            table = table_of(interest)
            if table is not None:
                self._tables.add(table)
            elif isinstance(interest, type) and issubclass(interest, Event):
                self._events[interest.__name__] = _EventKind(interest)
            else:
                raise TypeError(f"{interest!r} is neither an event class nor Changed[...]")
        self.topics = frozenset((*self._events, *(f"table:{table}" for table in self._tables), ANYTHING))
        """A batch with none of these holds nothing for this consumer."""

    def portion(
        self,
        partition: int,
        batches: Iterable[tuple[bytes, bytes]],
        after: Position,
        end: Position | None,
        cut: Position | None,
        limit: int,
    ) -> Portion:
        """The entries behind `after`, in order: up to `cut` if there is one, at most `limit` wanted ones.

        `end` is where the watermark may go when all was read: beyond the last batch, if there are no more of them.
        """
        deliveries: list[Delivery] = []
        passed, reached = 0, after
        read = self.read
        for last, payload in batches:
            for entry in _entries(last, payload):
                position = entry.position
                if position <= after:
                    continue
                if cut is not None and position > cut:
                    return Portion(deliveries, reached, passed)
                try:
                    delivery = read(partition, entry)
                except ConsumerError as error:
                    return Portion(deliveries, reached, passed, error, entry)
                if delivery is None:
                    passed += 1
                elif len(deliveries) >= limit:
                    return Portion(deliveries, reached, passed)
                else:
                    deliveries.append(delivery)
                reached = position
        return Portion(deliveries, reached if end is None else max(end, reached), passed)

    def read(self, partition: int, entry: Entry, attempt: int = 1) -> Delivery | None:
        """The delivery that an entry is for this consumer, or None; raises `Unreadable` and `TooNew`."""
        kind = entry.kind
        if kind == EVENT:
            return self._read_event(partition, entry, attempt)
        if kind == CHANGE:
            return self._read_change(partition, entry, attempt)
        if kind == MALFORMED:
            return None
        raise TooNew(position=entry.position, reason=f"entries of kind {kind} are not known here")

    def _read_event(self, partition: int, entry: Entry, attempt: int) -> Delivery | None:
        position, _, body, xid = entry
        header = decode_header(body)
        known = self._events.get(header.type)
        if known is None:
            return None
        if header.version > known.version:
            reason = f"it is a {known.name} of version {header.version}, the class here is of version {known.version}"
            raise TooNew(position=position, reason=reason)
        try:
            envelope = decode_envelope(body)
            event = known.decode(envelope.data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if header.version != known.version:
                reason = f"it is a {known.name} of version {header.version}, unreadable as {known.version}: {error}"
                raise TooNew(position=position, reason=reason) from error
            raise Unreadable(position=position, kind=known.name, reason=error, key=header.key) from error
        return Delivery(self._consumer, partition, position, header.key, event, envelope, EVENT, body, attempt, xid)

    def _read_change(self, partition: int, entry: Entry, attempt: int) -> Delivery | None:
        position, _, body, xid = entry
        if decode_change_header(body).table not in self._tables:
            return None
        change = decode_change(body)
        key = change.id if change.operation != "truncate" else f"every row of {change.table}, partition {partition}"
        event: Changed[Any] = Changed(
            table=change.table, operation=change.operation, key=change.key, row=change.row, old=self._wanted(change.old)
        )
        return Delivery(self._consumer, partition, position, key, event, None, CHANGE, body, attempt, xid)

    def _wanted(self, old: dict[str, Any]) -> dict[str, Any]:
        """Of the old values that somebody declared, those that this consumer did."""
        return {column: value for column, value in old.items() if column in self._old} if old else old


def _entries(last: bytes, payload: bytes) -> Iterator[Entry]:
    return read_entries(int.from_bytes(last[:4]), payload)
