"""The end of a transaction of ours, and the entries that are put aside with it."""

from headwater.consumer.delivery import Delivery
from headwater.consumer.failure import storable_key
from headwater.db import Connection, TransactionFailed
from headwater.log import Entry, Position, read_entries, write_entry


async def commit(connection: Connection) -> None:
    """Commit; raises `TransactionFailed` where PostgreSQL would only roll back and call it done."""
    if not connection.is_in_transaction() or await connection.execute("commit") != "COMMIT":
        raise TransactionFailed()


def pack(entry: Entry) -> bytes:
    """An entry as it stands in a batch, to stand in a queue."""
    into = bytearray()
    write_entry(into, entry)
    return bytes(into)


def unpack(position: bytes, entry: bytes) -> Entry:
    """The entry that `pack` packed."""
    (found,) = read_entries(Position.from_bytes(position).epoch, entry)
    return found


def queued(delivery: Delivery) -> tuple[str, bytes, bytes]:
    """A delivery as it queues up behind its key."""
    return storable_key(delivery.key), bytes(delivery.position), pack(delivery.entry)
