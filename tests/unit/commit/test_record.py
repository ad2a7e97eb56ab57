"""Keys and stored answers, apart from the database."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.commit import IdempotencyKey, Stored
from headwater.commit.record import read_record, write_headers

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(texts, texts)), st.binary(), st.integers(100, 599))
def test_an_answer_is_read_as_it_was_written(headers: list[tuple[str, str]], body: bytes, status: int) -> None:
    answer = Stored(status, headers, body)
    at = datetime(2026, 5, 1, tzinfo=UTC)
    assert read_record(b"f" * 32, status, write_headers(answer), body, at).answer == answer


@given(st.binary(min_size=32, max_size=32))
def test_the_lock_of_a_key_is_a_bigint(scope: bytes) -> None:
    assert -(2**63) <= IdempotencyKey(scope, b"f" * 32).lock < 2**63


@pytest.mark.parametrize(("scope", "fingerprint"), [(b"", b"f" * 32), (b"s" * 32, b"f" * 31)])
def test_a_key_of_another_length_is_refused(scope: bytes, fingerprint: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes each"):
        IdempotencyKey(scope, fingerprint)
