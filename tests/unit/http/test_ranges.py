"""Ranges against a model that looks at every byte."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.message.ranges import (
    ASKED,
    GAP_BYTES,
    PARTS,
    Multipart,
    Span,
    range_holds,
    read_ranges,
    unsatisfied,
)

AT = datetime(1994, 11, 6, 8, 49, 37, 5, tzinfo=UTC)
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"

NUMBER = st.integers(0, 3000)
SPEC = st.one_of(
    st.tuples(NUMBER, NUMBER).map(lambda pair: f"{min(pair)}-{max(pair)}"),
    NUMBER.map(lambda first: f"{first}-"),
    NUMBER.map(lambda last: f"-{last}"),
)


def wanted(spec: str, size: int) -> set[int]:
    """The positions that a spec means, by the words of the RFC."""
    first, _, last = spec.partition("-")
    if first == "":
        return set(range(size)[-int(last) :]) if int(last) else set()
    return {position for position in range(size) if position >= int(first) and (last == "" or position <= int(last))}


@given(st.lists(SPEC, min_size=1, max_size=8), st.integers(1, 2500), st.sampled_from([",", ", ", " ,, "]))
def test_what_is_sent_is_what_was_asked_for_and_small_gaps(specs: list[str], size: int, comma: str) -> None:
    spans = read_ranges(f"bytes={comma.join(specs)}".encode(), size)
    assert spans is not None
    asked = set().union(*(wanted(spec, size) for spec in specs))
    sent = [position for span in spans for position in range(span.start, span.end)]
    assert len(sent) == len(set(sent)), "no byte twice"
    assert asked <= set(sent) <= set(range(size))
    assert all({position - n for n in range(GAP_BYTES + 1)} & asked for position in sent)
    assert all(
        max(one.start, other.start) - min(one.end, other.end) > GAP_BYTES
        for i, one in enumerate(spans)
        for other in spans[:i]
    )


@given(st.permutations([(0, 9), (1000, 1009), (2000, 2009)]))
def test_parts_come_in_the_order_of_the_request(order: list[tuple[int, int]]) -> None:
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in order)
    assert read_ranges(header.encode(), 5000) == tuple(Span(first, last + 1) for first, last in order)


def test_parts_that_were_joined_come_in_the_order_of_the_bytes() -> None:
    assert read_ranges(b"bytes=2000-2009,5-9,0-6", 5000) == (Span(0, 10), Span(2000, 2010))


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        (b"bytes=0-499", (Span(0, 500),)),
        (b"bytes=500-", (Span(500, 1000),)),
        (b"bytes=-500", (Span(500, 1000),)),
        (b"bytes=-5000", (Span(0, 1000),)),
        (b"bytes=0-0,-1", (Span(0, 1), Span(999, 1000))),
        (b"Bytes=0-0", (Span(0, 1),)),
        (b"bytes= ,0-0 ,", (Span(0, 1),)),
        (b"bytes=999-99999999999999999999999999", (Span(999, 1000),)),
        (b"bytes=1000-", ()),
        (b"bytes=-0", ()),
        (b"bytes=" + b"9" * 10_000 + b"-", ()),
        (b"bytes=2000-3000,0-1", (Span(0, 2),)),
        (b"bytes=5-4", None),
        (b"bytes=0-1,5-4", None),
        (b"bytes=", None),
        (b"bytes=-", None),
        (b"bytes=a-b", None),
        (b"bytes=+1-2", None),
        (b"bytes=1 - 2", None),
        (b"bytes 0-1", None),
        (b"lines=0-1", None),
        (b"", None),
    ],
)
def test_a_header_means(header: bytes, spans: tuple[Span, ...] | None) -> None:
    assert read_ranges(header, 1000) == spans


def test_the_last_bytes_of_nothing_are_all_of_it_and_the_first_are_not_there() -> None:
    assert read_ranges(b"bytes=-5", 0) is None
    assert read_ranges(b"bytes=0-", 0) == ()


def test_many_small_ranges_are_answered_with_the_whole() -> None:
    def header(count: int) -> bytes:
        return b"bytes=" + b",".join(b"%d-%d" % (n * 1000, n * 1000) for n in range(count))

    assert len(read_ranges(header(PARTS), 10**9) or ()) == PARTS
    assert read_ranges(header(PARTS + 1), 10**9) is None


def test_many_overlapping_ranges_cost_no_more_than_one() -> None:
    assert read_ranges(b"bytes=" + b",".join([b"0-"] * ASKED), 1000) == (Span(0, 1000),)
    assert read_ranges(b"bytes=" + b",".join([b"0-"] * (ASKED + 1)), 1000) is None
    assert read_ranges(b"bytes=" + b"0-," * 1_000_000, 1000) is None


@given(st.binary(max_size=40), st.integers(0, 100))
def test_any_bytes_are_a_range_or_none(text: bytes, size: int) -> None:
    for header in (text, b"bytes=" + text):
        spans = read_ranges(header, size)
        assert spans is None or all(0 <= span.start < span.end <= size for span in spans)


def test_positions_in_a_header_are_inclusive() -> None:
    assert Span(0, 500).content_range(1234) == b"bytes 0-499/1234"


def test_a_range_behind_the_end_is_told_the_size() -> None:
    problem = unsatisfied(7)
    assert (problem.status, problem.fields) == (416, [(b"content-range", b"bytes */7")])


@pytest.mark.parametrize(
    ("if_range", "holds"),
    [
        (None, True),
        (b'"7"', True),
        (b'"6"', False),
        (b'W/"7"', False),
        (b'"7+br"', False),
        (b'"7", "6"', False),
        (DATE, True),
        (b"Sun, 06 Nov 1994 08:49:38 GMT", False),
        (b"yesterday", False),
        (b"*", False),
    ],
)
def test_a_part_fits_to_the_same_representation_only(if_range: bytes | None, holds: bool) -> None:
    assert range_holds(if_range, b'"7"', AT, AT + timedelta(days=1)) is holds


def test_a_date_of_this_very_second_says_nothing_for_certain() -> None:
    assert not range_holds(DATE, None, AT, AT + timedelta(milliseconds=999))
    assert range_holds(DATE, None, AT, AT + timedelta(seconds=1))


def test_without_a_validator_nothing_holds() -> None:
    assert not range_holds(b'"7"', None, None, AT)
    assert not range_holds(DATE, b'"7"', None, AT)
    assert not range_holds(b'W/"7"', b'W/"7"', None, AT)


def test_several_parts_are_one_body_that_others_can_read() -> None:
    content = bytes(range(256)) * 8
    spans = read_ranges(b"bytes=0-9,1000-1499,-3", len(content))
    assert spans is not None
    multipart = Multipart(spans, len(content), b"application/octet-stream")
    body = b"".join(content[p.start : p.end] if isinstance(p, Span) else p for p in multipart.pieces())
    assert len(body) == multipart.length
    message = message_from_bytes(b"Content-Type: " + multipart.content_type + b"\r\n\r\n" + body, policy=policy.HTTP)
    parts = [(part["content-range"], part.get_content()) for part in message.iter_parts()]
    assert parts == [
        ("bytes 0-9/2048", content[:10]),
        ("bytes 1000-1499/2048", content[1000:1500]),
        ("bytes 2045-2047/2048", content[-3:]),
    ]
