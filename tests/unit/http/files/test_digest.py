"""What a request says of its bytes is checked, or refused if it cannot be."""

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.files.digest import Expected, Hashing, expected_of, repr_digest, wants_content_digest
from headwater.http.message.body import BodyLimits
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request


def asking(**headers: str) -> Request:
    fields = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope: dict[str, Any] = {"method": "PUT", "path": "/", "query_string": b"", "headers": fields}

    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing is read")

    return Request(scope, receive, BodyLimits(1, 1.0, 1))


def of(content: bytes, algorithm: str = "sha-256") -> str:
    value = hashlib.new(algorithm.replace("-", ""), content).digest()
    return f"{algorithm}=:{base64.b64encode(value).decode()}:"


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_pieces_hash_to_what_the_whole_does(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    hashing = Hashing(expected_of(asking(content_digest=f"{of(whole)}, {of(whole, 'sha-512')}")))
    for piece in pieces:
        hashing.update(piece)
    hashing.check()
    assert repr_digest(hashing.sha256).decode() == of(whole)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_other_bytes_do_not_pass(content: bytes, other: bytes) -> None:
    hashing = Hashing([Expected("Repr-Digest", "sha-512", hashlib.sha512(content).digest())])
    hashing.update(other)
    if content == other:
        hashing.check()
    else:
        with pytest.raises(Problem) as raised:
            hashing.check()
        assert raised.value.type.endswith("#digest-mismatched-values")


def test_an_algorithm_that_we_do_not_know_is_passed_over_beside_one_that_we_do() -> None:
    found = expected_of(asking(content_digest=f"unixsum=:AA==:, {of(b'x')}"))
    assert [each.algorithm for each in found] == ["sha-256"]


def test_what_is_supported_is_said_where_nothing_of_it_came() -> None:
    with pytest.raises(Problem) as raised:
        expected_of(asking(repr_digest="md5=:AAAA:"))
    assert raised.value.fields == [(b"want-repr-digest", b"sha-256=10, sha-512=3")]
    assert raised.value.extensions == {"unsupported-algorithms": [{"algorithm": "md5", "header": "Repr-Digest"}]}


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_no_header_is_more_than_a_bad_request(text: str) -> None:
    wants_content_digest(asking(want_content_digest=text))
    assert status_of(text) in (200, 400)


def status_of(header: str) -> int:
    try:
        expected_of(asking(content_digest=header))
    except Problem as problem:
        return problem.status
    return 200
