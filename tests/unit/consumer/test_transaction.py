"""Entries that are set aside: what is packed comes out again, in whatever format it came."""

import pytest

from headwater.consumer.delivery import Delivery
from headwater.consumer.transaction import pack, queued, unpack
from headwater.log import CHANGE, EVENT, Entry, Position

PLACE = Position(3, 0x16B3748, 5)


@pytest.mark.parametrize("xid", [1 << 33, None], ids=["of today", "of the first format"])
def test_an_entry_that_was_packed_is_the_same_again(xid: int | None) -> None:
    entry = Entry(PLACE, CHANGE, b"{}", xid)
    assert unpack(bytes(PLACE), pack(entry)) == entry


def test_a_delivery_queues_up_as_the_entry_that_it_came_from() -> None:
    delivery = Delivery("test.c", 0, PLACE, "k", None, None, EVENT, b"{}", 1, 1 << 33)
    key, position, entry = queued(delivery)
    assert (key, unpack(position, entry)) == ("k", Entry(PLACE, EVENT, b"{}", 1 << 33))
