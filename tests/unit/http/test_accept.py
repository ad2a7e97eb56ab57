"""Accept-Encoding against a model that is written from the words of RFC 9110 section 12.5.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.message.accept import CODINGS, Preference, accepts, preference_of

NAMES = st.sampled_from(["zstd", "br", "gzip", "identity", "*", "deflate"])
QUALITY = st.sampled_from([None, "0", "0.5", "0.001", "1", "1.000", "0.000"])
HEADERS = st.dictionaries(NAMES, QUALITY, max_size=6)


def written(header: dict[str, str | None]) -> bytes:
    return ", ".join(name if q is None else f"{name};q={q}" for name, q in header.items()).encode()


def model(header: dict[str, str | None]) -> tuple[set[str], dict[str, float]]:
    """Which of our codings are acceptable, and the weights that the client has given, by name or by ``*``."""
    weights = {name: 1.0 if q is None else float(q) for name, q in header.items()}
    everything = {"zstd", "br", "gzip", "identity"}
    told = {name: weights.get(name, weights.get("*", -1.0)) for name in everything}
    acceptable = {name for name in everything if told[name] > 0 or (name == "identity" and told[name] < 0)}
    return acceptable, told


@given(HEADERS)
def test_the_coding_is_acceptable_and_none_that_we_have_is_preferred_to_it(header: dict[str, str | None]) -> None:
    acceptable, told = model(header)
    found = preference_of(written(header))
    assert found.insists is ("identity" not in acceptable)
    if not acceptable:
        assert found.coding is None
        return
    assert found.coding is not None
    chosen = found.coding.decode() or "identity"
    assert chosen in acceptable
    compressed = acceptable - {"identity"}
    if chosen == "identity":
        assert all(told[name] < told["identity"] and "identity" in header for name in compressed)
    else:
        better = [name for name in compressed if told[name] > told[chosen]]
        equal = [name for name in ("zstd", "br", "gzip") if name in compressed and told[name] == told[chosen]]
        assert (better, equal[0]) == ([], chosen)
        assert "identity" not in header or told["identity"] <= told[chosen]


@given(HEADERS)
def test_what_is_accepted_is_what_the_model_accepts(header: dict[str, str | None]) -> None:
    acceptable, _ = model(header)
    for name in (*CODINGS, b"identity"):
        assert accepts(written(header), name) is (name.decode() in acceptable)
    assert accepts(written(header), b"") is ("identity" in acceptable)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_preference(header: bytes) -> None:
    preference = preference_of(header)
    assert preference.coding in (None, b"", *CODINGS)


@pytest.mark.parametrize(
    ("header", "coding", "insists"),
    [
        (b"gzip, deflate, br, zstd", b"zstd", False),
        (b"gzip, deflate, br", b"br", False),
        (b"GZIP", b"gzip", False),
        (b"x-gzip", b"gzip", False),
        (b"gzip;q=1.0, br;q=0.8", b"gzip", False),
        (b"gzip ; Q=0.5", b"gzip", False),
        (b"*", b"zstd", False),
        (b"*, zstd;q=0", b"br", False),
        (b"", b"", False),
        (b"identity", b"", False),
        (b"identity, gzip;q=0.5", b"", False),
        (b"identity, gzip", b"gzip", False),
        (b"deflate, compress", b"", False),
        (b"gzip;q=0", b"", False),
        (b"gzip;q=2, br;q=x", b"", False),
        (b"gzip, identity;q=0", b"gzip", True),
        (b"gzip, *;q=0", b"gzip", True),
        (b"*;q=0", None, True),
        (b"identity;q=0", None, True),
        (b"*;q=0, identity;q=0.1", b"", False),
    ],
)
def test_a_client_prefers(header: bytes, coding: bytes | None, insists: bool) -> None:
    assert preference_of(header) == Preference(coding, insists)


def test_without_the_header_anything_is_accepted() -> None:
    assert accepts(None, b"br")
    assert accepts(None, b"")
