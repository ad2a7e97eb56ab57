"""The decoder: what was written is read, and what is broken is called so."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headwater.wal.assembler import Assembler
from headwater.wal.pgoutput import Begin, Decoded, MalformedStream, Message, decode
from tests.unit.wal.strategies import messages
from tests.unit.wal.writer import write


@given(messages)
def test_what_was_written_is_decoded(message: Decoded) -> None:
    assert decode(write(message)) == message


@given(messages, st.data())
def test_a_message_cut_short_decodes_or_is_malformed(message: Decoded, data: st.DataObject) -> None:
    whole = write(message)
    decodes_or_is_malformed(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(messages, st.data())
def test_a_mutated_message_decodes_or_is_malformed(message: Decoded, data: st.DataObject) -> None:
    broken = bytearray(write(message))
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(broken) - 1), st.integers(0, 255)), max_size=4)):
        broken[at] = byte
    decodes_or_is_malformed(bytes(broken))


@given(st.binary(max_size=60))
@example(b"")
@example(b"T\xff\xff\xff\xff\0")
@example(b"M\1" + bytes(8) + b"headwater")
@example(b"R" + bytes(4) + b"\xff\0")
def test_any_bytes_decode_or_are_malformed(data: bytes) -> None:
    decodes_or_is_malformed(data)


@given(st.lists(messages, max_size=12))
def test_any_order_of_messages_is_assembled_or_malformed(order: list[Decoded]) -> None:
    assembler = Assembler()
    with contextlib.suppress(MalformedStream):
        for message in order:
            assembler.feed(write(message))


def decodes_or_is_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedStream):
        decode(data)
    with contextlib.suppress(MalformedStream):
        Assembler().feed(data)


@pytest.mark.parametrize("data", [write(Begin(1, 2, 3)) + b"!", write(Message(True, 1, b"p", b"content")) + b"!"])
def test_bytes_left_over_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedStream, match=f"of {len(data)} bytes"):
        decode(data)


def test_a_streamed_transaction_is_not_asked_for_and_not_understood() -> None:
    with pytest.raises(MalformedStream, match="unknown message type b'S'"):
        decode(b"S\0\0\0\1\1")
