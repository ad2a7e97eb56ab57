"""Bodies: read within limits, and looked at before they are decoded."""

import asyncio
import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http import Problem
from headwater.http.message.body import BodyLimits, ClientGone, check_depth, holds_nul, read_body

LIMITS = BodyLimits(bytes=10, seconds=5, depth=3)


def receiving(*chunks: bytes, end: str = "http.request") -> Any:
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages[-1]["more_body"] = False
    if end != "http.request":
        messages[-1] = {"type": end}
    remaining = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(remaining)

    return receive


@pytest.mark.parametrize("chunks", [(b"",), (b"0123456789",), (b"01", b"", b"23456789"), (b"0123456789", b"")])
async def test_a_body_within_the_limit_arrives_whole(chunks: tuple[bytes, ...]) -> None:
    assert await read_body(receiving(*chunks), None, LIMITS) == b"".join(chunks)


@pytest.mark.parametrize("chunks", [(b"0123456789x",), (b"0123456789", b"x")])
async def test_a_body_beyond_the_limit_is_a_413_whatever_its_length_says(chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(Problem) as caught:
        await read_body(receiving(*chunks), b"3", LIMITS)
    assert caught.value.status == 413


@pytest.mark.parametrize("declared", [b"11", b"99999999999999999999999999999999"])
async def test_a_declared_length_beyond_the_limit_is_refused_before_reading(declared: bytes) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing is to be read")

    with pytest.raises(Problem) as caught:
        await read_body(receive, declared, LIMITS)
    assert caught.value.status == 413


async def test_a_body_that_does_not_arrive_in_time_is_a_408() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Problem) as caught:
        await read_body(receive, None, BodyLimits(bytes=10, seconds=0.001, depth=3))
    assert caught.value.status == 408


async def test_a_client_that_leaves_in_the_middle_needs_no_answer() -> None:
    with pytest.raises(ClientGone):
        await read_body(receiving(b"01", b"", end="http.disconnect"), None, LIMITS)


@pytest.mark.parametrize("body", [b"[[[1]]]", b'{"a":{"b":[]}}', b'"[[[[[[["', b'["\\"[[[[[[[", "]"]', b"[]" * 9])
def test_depth_within_the_limit_passes(body: bytes) -> None:
    check_depth(body, 3)


@pytest.mark.parametrize("body", [b"[[[[1]]]]", b'{"a":{"b":[{}]}}', b"[" * 100_000, b'["]]]]",[[[1]]]]'])
def test_depth_beyond_the_limit_is_a_400(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        check_depth(body, 3)
    assert caught.value.status == 400


def depth_of(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(depth_of, parts), default=0)


documents = st.recursive(
    st.none() | st.text(alphabet='[]{}\\"a', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[]{}\\"', max_size=3), inner, max_size=3)
    ),
)


@given(documents, st.integers(1, 6))
def test_depth_is_judged_as_the_document_is_nested(document: Any, limit: int) -> None:
    try:
        check_depth(msgspec.json.encode(document), limit)
    except Problem:
        assert depth_of(document) > limit
    else:
        assert depth_of(document) <= limit


@pytest.mark.parametrize("body", [b"[]" * 500_000, b'["' + b"\\\\" * 499_000 + b'"]', b'"' * 999_999, b"{[" * 500_000])
def test_a_hostile_megabyte_takes_no_more_than_a_moment(body: bytes) -> None:
    started = time.process_time()
    with suppress(Problem):
        check_depth(body, 64)
    holds_nul(body + b"\\u0000")
    assert time.process_time() - started < 2.0


@given(st.lists(st.sampled_from(["\0", "\\", "u0000", "a", '"'])).map("".join))
def test_nul_is_found_exactly_where_it_is_escaped(text: str) -> None:
    assert holds_nul(msgspec.json.encode([text])) is ("\0" in text)
