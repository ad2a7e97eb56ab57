"""File names survive the way there and back, and bring nothing along that is none of theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.files.filename import LIMIT, clean_name, disposition, name_in


@given(st.text())
def test_a_clean_name_stays_as_it_is_and_comes_back_from_its_header(name: str) -> None:
    cleaned = clean_name(name)
    assert clean_name(cleaned) == cleaned
    written = disposition("attachment", name).decode("ascii")
    assert name_in(written) == cleaned
    assert "\n" not in written
    assert "\r" not in written


@given(st.text(max_size=300))
def test_any_header_is_read_without_an_error(text: str) -> None:
    name = name_in(f"attachment; {text}")
    assert name is None or (0 < len(name) <= LIMIT and "/" not in name and "\\" not in name)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="a.txt"', "a.txt"),
        ("attachment; filename=a.txt", "a.txt"),
        ('form-data; name="x"; filename="a \\"b\\".txt"', 'a "b".txt'),
        ("attachment; filename=\"a.txt\"; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
        ("attachment; filename*=UTF-8''%ff.txt; filename=\"a.txt\"", "a.txt"),
        ("attachment; filename*=utf-8'en'a%20b", "a b"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\evil\\\\x.exe"', "x.exe"),
        ('attachment; filename=".."', None),
        ("attachment", None),
        ("", None),
    ],
)
def test_names_are_read_as_they_are_written_in_the_world(header: str, name: str | None) -> None:
    assert name_in(header) == name


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.txt", b'attachment; filename="a.txt"'),
        ("ü.txt", b"attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%BC.txt"),
        ('a"b.txt', b"attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("50%.txt", b"attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt"),
        (None, b"attachment"),
    ],
)
def test_a_name_is_written_for_old_and_new_clients(name: str | None, header: bytes) -> None:
    assert disposition("attachment", name) == header


def test_what_turns_the_direction_of_text_is_left_out() -> None:
    assert clean_name("invoice\u202efdp.exe") == "invoicefdp.exe"


def test_a_long_name_keeps_its_ending() -> None:
    assert clean_name("x" * 400 + ".jpeg") == "x" * 250 + ".jpeg"
