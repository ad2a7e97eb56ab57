"""Conditions against a model of RFC 9110 section 13.2.2 that shares no code with what it judges."""

from datetime import UTC, datetime
from itertools import product
from typing import Literal

import pytest

from headwater.http.message.condition import Conditions, NotModified, Validators, evaluate
from headwater.http.message.problem import Problem

EARLIER, AT, LATER = (f"Sun, 06 Nov 1994 08:49:{second} GMT".encode() for second in (36, 37, 38))
MODIFIED = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)

TAGS = (None, b"*", b'"7"', b'W/"7"', b'"6"', b'"5", "7"', b'W/"5", W/"7"', b"7", b"")
DATES = (None, EARLIER, AT, LATER, b"yesterday", b"%b, %b" % (EARLIER, EARLIER))
CURRENT = {
    "both": Validators(b"7", MODIFIED),
    "revision": Validators(state=b"7"),
    "date": Validators(modified=MODIFIED),
    "nothing": None,
}
Verb = Literal["query", "command"]


def model(match: bytes | None, unmodified: bytes | None, none: bytes | None, modified: bytes | None,
          has: str, reads: bool) -> int:  # fmt: skip
    """The status by the steps of the section, written out for the few values above; 200 is "perform the method"."""
    exists, etag, dated = has != "nothing", has in ("both", "revision"), has in ("both", "date")
    # step 1
    if match in (b"7", b""):
        return 400
    if match is not None:
        if not exists:
            return 412
        strongly_equal = match in (b'"7"', b'"5", "7"') and etag
        if match != b"*" and not strongly_equal:
            return 412
    # step 2
    elif unmodified == EARLIER and dated:
        return 412
    # step 3
    if none is not None:
        if none in (b"7", b""):
            return 200 if reads else 400
        weakly_equal = none in (b'"7"', b'W/"7"', b'"5", "7"', b'W/"5", W/"7"') and etag
        if exists and (none == b"*" or weakly_equal):
            return 304 if reads else 412
        return 200
    # step 4
    if reads and modified in (AT, LATER) and dated:
        return 304
    return 200


def status_of(conditions: Conditions, current: Validators | None, verb: Verb) -> int:
    try:
        return 304 if evaluate(conditions, current, verb) else 200
    except Problem as problem:
        return problem.status


@pytest.mark.parametrize("verb", ["query", "command"])
@pytest.mark.parametrize("has", CURRENT)
def test_every_combination_of_headers_is_answered_as_the_section_says(has: str, verb: Verb) -> None:
    wrong = [
        (match, unmodified, none, modified)
        for match, unmodified, none, modified in product(TAGS, DATES, TAGS, DATES)
        if status_of(Conditions(match, unmodified, none, modified), CURRENT[has], verb)
        != model(match, unmodified, none, modified, has, verb == "query")
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("none_match", "accept_encoding", "etag"),
    [
        (b'"7+v1"', None, b'"7+v1"'),
        (b'W/"7+v1"', None, b'"7+v1"'),
        (b'"7+v1+br"', b"br", b'"7+v1+br"'),
        (b'"7+v1+br"', b"gzip, *", b'"7+v1+br"'),
        (b'"7+v1"', b"br", b'"7+v1"'),
        (b'"7+v1+br"', b"gzip", None),
        (b'"7+v1+br"', b"br;q=0, *", None),
        (b'"7+v1"', b"br, identity;q=0", None),
        (b'"7"', None, None),
        (b'"7+v2"', None, None),
        (b'"7+v1+x"', None, None),
        (b'"7+v2", "7+v1+gzip"', b"gzip", b'"7+v1+gzip"'),
    ],
)
def test_a_client_has_an_answer_in_the_same_variant_and_in_a_coding_that_it_takes(
    none_match: bytes, accept_encoding: bytes | None, etag: bytes | None
) -> None:
    conditions = Conditions(none_match=none_match, accept_encoding=accept_encoding)
    unchanged = evaluate(conditions, Validators(b"7", variant=b"v1"), "query")
    assert unchanged == (None if etag is None else NotModified(etag))


@pytest.mark.parametrize("tag", [b'"7"', b'"7+br"', b'"7+v1"', b'"7+v2+zstd"'])
def test_any_variant_of_the_state_protects_an_update(tag: bytes) -> None:
    assert evaluate(Conditions(match=tag), Validators(b"7"), "command") is None
    with pytest.raises(Problem, match="412"):
        evaluate(Conditions(match=tag), Validators(b"8"), "command")


def test_a_date_is_compared_in_whole_seconds() -> None:
    assert evaluate(Conditions(modified_since=AT), Validators(modified=MODIFIED), "query") == NotModified(None)
