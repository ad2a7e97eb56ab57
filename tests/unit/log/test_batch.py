"""Batches: what was written is read, what is cut short is called so, and a key's partition never changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.log import CHANGE, EVENT, MALFORMED, Entry, MalformedBatch, Position, partition_of, read_entries
from headwater.log.batch import HEAD_BYTES, place_of, write_entry, write_head

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
    head = write_head(len(entry.body), position.commit_lsn, position.ordinal, entry.kind, 1)
    assert len(head) == HEAD_BYTES
    assert place_of(7, head) == position


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
