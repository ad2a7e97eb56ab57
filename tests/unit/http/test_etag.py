"""Entity tags: what clients send, and what they consist of."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.message.etag import (
    Parts,
    Tag,
    TagsMalformed,
    digest_of,
    read_tag,
    read_tags,
    state_writer,
    with_coding,
)

OPAQUE = st.binary(max_size=20).map(lambda raw: bytes(b for b in raw if b == 0x21 or 0x23 <= b <= 0x7E or b >= 0x80))
TAGS = st.builds(Tag, OPAQUE, st.booleans())
SPACE = st.sampled_from([b"", b" ", b"\t", b"  "])


def written(tag: Tag) -> bytes:
    return (b"W/" if tag.weak else b"") + b'"' + tag.opaque + b'"'


@given(st.lists(TAGS, min_size=1), st.data())
def test_a_list_is_read_as_it_was_written_whatever_its_spaces_and_empty_members(
    tags: list[Tag], data: st.DataObject
) -> None:
    members = [written(tag) for tag in tags]
    for _ in range(data.draw(st.integers(0, 3))):
        members.insert(data.draw(st.integers(0, len(members))), b"")
    text = b",".join(data.draw(SPACE) + member + data.draw(SPACE) for member in members)
    assert read_tags(text) == tuple(tags)


@pytest.mark.parametrize("text", [b"*", b" * ", b"\t*"])
def test_an_asterisk_stands_for_any(text: bytes) -> None:
    assert read_tags(text) == "*"


@pytest.mark.parametrize(
    "text",
    [b"", b" ", b",", b"7", b'"7', b'7"', b'w/"7"', b'W/ "7"', b'"7" "8"', b'"7";q=1', b'*, "7"', b'"7", *', b'"a b"'],
)
def test_what_is_no_list_of_tags_is_refused(text: bytes) -> None:
    with pytest.raises(TagsMalformed):
        read_tags(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    try:
        tags = read_tags(text)
    except TagsMalformed:
        return
    assert tags == "*" or all(written(tag) in text for tag in tags)


def test_a_long_list_is_read_in_linear_time() -> None:
    assert len(read_tags(b'"a",' * 50_000)) == 50_000
    with pytest.raises(TagsMalformed):
        read_tags(b'"' + b"," * 50_000)


@given(
    st.from_regex(rb"[\w.~%-]*", fullmatch=True), st.sampled_from([b"", b"v1", b"v1+f3"]), st.sampled_from([b"", b"br"])
)
def test_a_tag_of_ours_is_taken_apart_into_what_it_was_made_of(state: bytes, variant: bytes, coding: bytes) -> None:
    tag = read_tag(bytes(Parts(state, variant, coding)))
    assert tag is not None
    assert (tag.weak, tag.parts) == (False, Parts(state, variant, coding))


def test_a_coding_makes_another_tag() -> None:
    assert with_coding(b'"7"', b"br") == b'"7+br"' == bytes(Parts(b"7", coding=b"br"))
    assert with_coding(b'"7+v1"', b"gzip") == bytes(Parts(b"7", b"v1", b"gzip"))


@given(st.text())
def test_any_text_can_be_a_state(text: str) -> None:
    write = state_writer(str)
    assert write is not None
    tag = read_tag(b'"' + write(text) + b'"')
    assert tag is not None
    assert tag.parts == Parts(write(text))


@given(st.datetimes(), st.datetimes())
def test_different_moments_are_different_states(one: datetime, other: datetime) -> None:
    write = state_writer(datetime)
    assert write is not None
    assert (write(one) == write(other)) is (one == other)


def test_a_moment_is_the_same_state_in_every_zone() -> None:
    write = state_writer(datetime)
    assert write is not None
    at = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
    assert write(at) == write(at.astimezone(timezone(timedelta(hours=5)))) == write(at.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("kind", "value", "state"),
    [(int, 7, b"7"), (int, -7, b"-7"), (str, 'a b"c', b"a%20b%22c"), (UUID, UUID(int=7), str(UUID(int=7)).encode())],
)
def test_a_state_is_written_readably(kind: type, value: object, state: bytes) -> None:
    write = state_writer(kind)
    assert write is not None
    assert write(value) == state


def test_a_float_is_no_state() -> None:
    assert state_writer(float) is None


def test_a_digest_has_128_bits_and_needs_no_escape() -> None:
    digest = digest_of(b"body")
    assert len(digest) == 22
    assert read_tag(b'"' + digest + b'"') == Tag(digest)
    assert digest != digest_of(b"Body")
