"""Content-Type and Accept."""

import pytest

from headwater.http import Problem
from headwater.http.message.media import JSON, NDJSON, accept_check, is_json, takes


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/merge-patch+json",
        "application/json; profile=x",
    ],
)
def test_json_has_many_spellings(content_type: str) -> None:
    assert is_json(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "json",
        "text/json",
        "text/plain",
        "application/jsonx",
        "application/json; charset=latin-1",
        "application/x-www-form-urlencoded",
        "image/svg+json",
        "application/json, text/plain",
    ],
)
def test_anything_else_is_no_json(content_type: str) -> None:
    assert not is_json(content_type)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", True),
        ("application/json", True),
        ("application/*", True),
        ("text/html, application/json;q=0.1", True),
        ("text/html, */*;q=0.8", True),
        ("APPLICATION/JSON", True),
        ("application/json;q=0", False),
        ("application/json;q=0, */*", False),
        ("application/*;q=0, */*", False),
        ("application/json, application/*;q=0", True),
        ("*/*;q=0", False),
        ("text/html", False),
        ("text/*", False),
        ("", False),
        ("nonsense", False),
        ("application/json;q=nonsense", True),
    ],
)
def test_the_most_specific_range_decides(accept: str, expected: bool) -> None:
    assert takes(accept, JSON) is expected


def test_what_is_not_accepted_is_a_406_each_time() -> None:
    check = accept_check(NDJSON)
    check(b"application/x-ndjson")
    for _ in range(2):
        with pytest.raises(Problem) as caught:
            check(b"application/json")
        assert caught.value.status == 406
        assert caught.value.extensions == {"available": [NDJSON]}
