"""Envelopes: what is written can be read, and keys are the same text everywhere."""

import enum
from datetime import UTC, datetime
from typing import Annotated, Any, NewType
from uuid import UUID

import msgspec
import pytest
from asyncpg.pgproto.pgproto import UUID as AsyncpgUUID
from hypothesis import given
from hypothesis import strategies as st

from headwater.clock import SystemClock
from headwater.commit import (
    EnvelopeInvalid,
    EventTooLarge,
    Origin,
    key_of,
    read_envelope,
    read_header,
    write_envelope,
)
from headwater.testing import Clock
from headwater.types import Event

NOW = datetime(2026, 5, 1, 12, 30, 15, 123456, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
OrderId = NewType("OrderId", UUID)


class Kind(enum.StrEnum):
    SMALL = "small"


class Mixed(str, enum.Enum):  # noqa: UP042
    SMALL = "small"


class OrderPlaced(Event, key="order", version=3):
    order: UUID
    quantity: int
    note: str | None = None
    tags: list[str]


class Named(Event, key="name"):
    name: str


class Counted(Event, key="number"):
    number: int


class Keyless(Event):
    text: str


def emitted(event: Event, **origin: Any) -> bytes:
    return write_envelope(event, Origin("shop", "place_order", **origin), Clock(NOW, frozen=True))


class TestRoundTrip:
    @given(
        st.uuids(),
        st.integers(-(2**63), 2**63 - 1),
        st.none() | texts,
        st.lists(texts),
        st.none() | texts,
        st.none() | st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", fullmatch=True),
    )
    def test_what_is_written_is_read(
        self, order: UUID, quantity: int, note: str | None, tags: list[str], actor: str | None, parent: str | None
    ) -> None:
        event = OrderPlaced(order=order, quantity=quantity, note=note, tags=tags)
        envelope = read_envelope(emitted(event, actor=actor, traceparent=parent))
        assert msgspec.json.decode(envelope.data, type=OrderPlaced) == event
        assert (envelope.type, envelope.version, envelope.key) == ("OrderPlaced", 3, str(order))
        assert (envelope.app, envelope.command, envelope.actor) == ("shop", "place_order", actor)
        assert (envelope.traceparent, envelope.continued) == (parent, parent)
        assert envelope.trace == (None if parent is None else parent.split("-")[1])
        assert envelope.at == NOW
        assert (envelope.id.version, envelope.id.int >> 80) == (7, int(NOW.timestamp() * 1000))

    def test_the_header_is_the_part_that_routes(self) -> None:
        header = read_header(emitted(OrderPlaced(order=UUID(int=7), quantity=1, tags=[])))
        assert (header.type, header.version, header.app) == ("OrderPlaced", 3, "shop")
        assert header.key == "00000000-0000-0000-0000-000000000007"

    def test_of_an_event_that_knows_its_trace_id_alone_the_event_is_the_parent_of_what_follows(self) -> None:
        written = msgspec.json.decode(emitted(Keyless(text="x"))) | {"trace": "a" * 32}
        envelope = read_envelope(msgspec.json.encode(written))
        assert (envelope.trace, envelope.traceparent) == ("a" * 32, None)
        assert envelope.continued == f"00-{'a' * 32}-{envelope.id.hex[16:]}-00"

    def test_an_event_without_a_key_has_its_own_id(self) -> None:
        envelope = read_envelope(emitted(Keyless(text="x")))
        assert envelope.key == str(envelope.id)

    def test_identifiers_are_unique_and_sorted_by_time(self) -> None:
        identifiers = [read_envelope(emitted(Keyless(text="x"))).id for _ in range(100)]
        assert len(set(identifiers)) == 100
        assert [i.int >> 80 for i in identifiers] == sorted(i.int >> 80 for i in identifiers)

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"type": 1}'])
    def test_anything_else_is_no_envelope(self, data: bytes) -> None:
        for read in (read_envelope, read_header):
            with pytest.raises(EnvelopeInvalid, match="not a valid envelope"):
                read(data)

    def test_an_event_that_is_too_large_is_refused_by_name_and_size(self) -> None:
        with pytest.raises(EventTooLarge, match="Keyless has 1677") as caught:
            emitted(Keyless(text="x" * 16 * 1024 * 1024))
        assert caught.value.size > caught.value.limit

    def test_what_json_cannot_hold_is_refused_when_it_is_emitted(self) -> None:
        with pytest.raises(UnicodeEncodeError):
            emitted(Keyless(text="\ud800"))


class TestKeys:
    @given(st.uuids())
    def test_a_uuid_is_lower_case_with_dashes(self, order: UUID) -> None:
        text = key_of(OrderPlaced(order=order, quantity=1, tags=[]))
        assert text == str(UUID(text)) == text.lower()
        assert key_of(OrderPlaced(order=AsyncpgUUID(order.bytes), quantity=1, tags=[])) == text

    @given(st.integers())
    def test_an_int_is_decimal(self, number: int) -> None:
        assert int(key_of(Counted(number=number))) == number
        assert key_of(Counted(number=number)).lstrip("-").isascii()

    @given(texts)
    def test_a_str_is_itself(self, name: str) -> None:
        assert key_of(Named(name=name)) == name

    def test_a_nul_character_is_refused(self) -> None:
        with pytest.raises(ValueError, match="NUL"):
            key_of(Named(name="a\0b"))

    @pytest.mark.parametrize("kind", [Kind, Mixed])
    def test_a_text_enum_is_its_value(self, kind: Any) -> None:
        class Sized(Event, key="size"):
            size: kind

        assert key_of(Sized(size=kind.SMALL)) == "small"

    def test_annotations_and_new_types_are_seen_through(self) -> None:
        class Annotations(Event, key="order"):
            order: Annotated[OrderId, msgspec.Meta(description="x")]

        assert key_of(Annotations(order=OrderId(UUID(int=1)))) == str(UUID(int=1))

    @pytest.mark.parametrize("declared", [float, bool, datetime, int | None, list[int], Any])
    def test_any_other_type_is_refused_with_class_field_and_type(self, declared: Any) -> None:
        class Wrong(Event, key="by"):
            by: declared

        with pytest.raises(TypeError, match=r"Wrong: the key 'by' has type .*; a key must be a UUID, an int or a str"):
            key_of(Wrong(by=1))

    @pytest.mark.parametrize(
        ("declared", "fields"),
        [
            (Counted, {"number": True}),
            (Counted, {"number": "1"}),
            (Named, {"name": 1}),
            (OrderPlaced, {"order": "x", "quantity": 1, "tags": []}),
        ],
    )
    def test_a_value_that_is_not_what_its_class_declares_is_refused(
        self, declared: type[Event], fields: dict[str, Any]
    ) -> None:
        event = declared(**fields)
        with pytest.raises(TypeError, match=r"the key '.*' is a"):
            key_of(event)


def test_the_clock_of_the_machine_is_utc() -> None:
    envelope = read_envelope(write_envelope(Keyless(text="x"), Origin("a", "b"), SystemClock()))
    assert envelope.at.tzinfo == UTC
