"""Batches: what was written is read, what is cut short is called so, and a key's partition never changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.log import CHANGE, EVENT, MALFORMED, Entry, MalformedBatch, Position, partition_of, read_entries
from headwater.log.batch import FORMAT, HEAD_BYTES, XID_BYTES, position_of, write_entry, write_head

u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
entries = st.builds(
    Entry,
    st.builds(Position, st.just(7), u64, u32),
    st.sampled_from([EVENT, CHANGE, MALFORMED]),
    st.binary(max_size=40),
    st.none() | u64,
)


def written(batch: list[Entry]) -> bytes:
    payload = bytearray()
    for entry in batch:
        write_entry(payload, entry)
    return bytes(payload)


@given(st.lists(entries, max_size=8))
def test_what_was_written_is_read(batch: list[Entry]) -> None:
    assert list(read_entries(7, written(batch))) == batch


@given(st.lists(entries, min_size=1, max_size=8), st.data())
def test_a_batch_cut_short_gives_whole_entries_and_then_says_so(batch: list[Entry], data: st.DataObject) -> None:
    payload = written(batch)
    ends = {len(written(batch[:count])) for count in range(len(batch) + 1)}
    cut = data.draw(st.integers(0, len(payload) - 1).filter(lambda at: at not in ends))
    read: list[Entry] = []
    with pytest.raises(MalformedBatch):
        read.extend(read_entries(7, payload[:cut]))
    assert read == batch[: len(read)]


@given(entries)
def test_a_head_holds_the_position(entry: Entry) -> None:
    position = entry.position
    head = write_head(XID_BYTES, position.commit_lsn, position.ordinal, FORMAT | entry.kind, 1)
    assert len(head) == HEAD_BYTES
    assert position_of(7, head) == position


@given(st.text(st.characters(codec="utf-8")), st.integers(1, 1024))
def test_a_partition_is_one_of_those_there_are(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions


@pytest.mark.parametrize(
    ("key", "partition"),
    [
        ("", 0),
        ("k", 13),
        ("0193a7b2-1111-7111-8111-000000000000", 14),
        ("1,x", 5),
        ("ä€😀", 7),
    ],
)
def test_a_key_stands_for_ever_in_one_partition_of_sixteen(key: str, partition: int) -> None:
    assert partition_of(key, 16) == partition


def test_an_entry_of_the_first_format_is_read_and_has_no_transaction() -> None:
    payload = bytes.fromhex("0000000200000000000000050000000301") + b"{}"
    assert list(read_entries(7, payload)) == [Entry(Position(7, 5, 3), CHANGE, b"{}", None)]


def test_an_entry_of_the_format_of_today_has_these_bytes() -> None:
    payload = bytearray()
    write_entry(payload, Entry(Position(7, 5, 3), CHANGE, b"{}", 1 << 33))
    assert payload.hex() == "0000000a000000000000000500000003110000000200000000" + b"{}".hex()


def test_behind_an_entry_of_a_later_format_reading_goes_on() -> None:
    later = Entry(Position(7, 1, 0), 0x20 | EVENT, b"who knows")
    today, first = Entry(Position(7, 2, 0), EVENT, b"", 1), Entry(Position(7, 3, 0), EVENT, b"")
    assert list(read_entries(7, written([later, today, first]))) == [later, today, first]


def test_an_entry_too_short_for_its_transaction_is_malformed() -> None:
    payload = bytes.fromhex("0000000700000000000000050000000310") + bytes(20)
    with pytest.raises(MalformedBatch):
        list(read_entries(7, payload))
