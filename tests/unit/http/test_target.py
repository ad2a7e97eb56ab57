"""Paths and query strings, taken apart."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http import Problem
from headwater.http.message.target import PARAMETERS_LIMIT, query_fields, segments

texts = st.text(st.characters(exclude_categories=["Cs"]))


def scope(raw: str, root: str = "") -> dict[str, object]:
    from urllib.parse import unquote

    return {"path": unquote(raw), "raw_path": raw.encode(), "root_path": root}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/", [""]),
        ("/orders", ["orders"]),
        ("/orders/", ["orders", ""]),
        ("/a%2Fb/c", ["a/b", "c"]),
        ("/a%20b", ["a b"]),
        ("/%C3%BC", ["ü"]),
        ("/100%25", ["100%"]),
        ("/a//b", ["a", "", "b"]),
        ("/a%zz", ["a%zz"]),
    ],
)
def test_a_path_is_cut_before_it_is_decoded(raw: str, expected: list[str]) -> None:
    assert segments(scope(raw)) == expected


@given(st.lists(texts, min_size=1))
def test_every_path_is_what_its_escaped_segments_say(parts: list[str]) -> None:
    assert segments(scope("/" + "/".join(quote(part, safe="") for part in parts))) == parts


@pytest.mark.parametrize("raw", ["/api/orders/1", "/api/orders/%31"])
def test_the_root_path_is_no_part_of_the_segments(raw: str) -> None:
    assert segments(scope(raw, "/api")) == ["orders", "1"]


def test_a_path_that_merely_begins_like_the_root_path_keeps_it() -> None:
    assert segments(scope("/apiary/1", "/api")) == ["apiary", "1"]


def test_a_server_without_raw_path_still_has_its_paths_cut() -> None:
    assert segments({"path": "/orders/1", "root_path": ""}) == ["orders", "1"]


@pytest.mark.parametrize("raw", ["/%ff", "/a/%C3"])
def test_a_path_that_is_no_utf8_is_a_400(raw: str) -> None:
    with pytest.raises(Problem) as caught:
        segments(scope(raw))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", {}),
        (b"a=1", {"a": ["1"]}),
        (b"a=1&a=2&b=", {"a": ["1", "2"], "b": [""]}),
        (b"a", {"a": [""]}),
        (b"&&a=1&", {"a": ["1"]}),
        (b"a=b=c", {"a": ["b=c"]}),
        (b"q=a+b%2Bc%26d", {"q": ["a b+c&d"]}),
    ],
)
def test_a_query_string_gives_each_parameter_its_values(query: bytes, expected: dict[str, list[str]]) -> None:
    assert query_fields(query) == expected


@given(st.lists(st.tuples(texts.filter(bool), texts)))
def test_what_a_form_encodes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    expected: dict[str, list[str]] = {}
    for name, value in pairs:
        expected.setdefault(name, []).append(value)
    assert query_fields(urlencode(pairs).encode()) == expected


@pytest.mark.parametrize("query", [b"a=%ff", b"%ff=a", b"&" * PARAMETERS_LIMIT])
def test_a_query_string_that_cannot_be_read_is_a_400(query: bytes) -> None:
    with pytest.raises(Problem) as caught:
        query_fields(query)
    assert caught.value.status == 400
