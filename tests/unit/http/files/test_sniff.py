"""Bytes decide what a file is; where they leave it open, the sender does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.files.sniff import ACTIVE, SNIFF_BYTES, UNKNOWN, allows, essence_of, settle
from headwater.http.message.problem import Problem

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
ZIP = b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(20)
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("declared", "head", "found"),
    [
        (UNKNOWN, PNG, "image/png"),
        (UNKNOWN, JPEG, "image/jpeg"),
        (UNKNOWN, b"GIF89a" + bytes(10), "image/gif"),
        (UNKNOWN, b"%PDF-1.7\n", "application/pdf"),
        (UNKNOWN, ZIP, "application/zip"),
        (UNKNOWN, b"hello", "text/plain"),
        (UNKNOWN, "grüß dich".encode(), "text/plain"),
        (UNKNOWN, b"\x00\x01\x02", UNKNOWN),
        (UNKNOWN, b"", UNKNOWN),
        ("video/mp4", MP4, "video/mp4"),
        (DOCX, ZIP, DOCX),
        ("application/epub+zip", ZIP, "application/epub+zip"),
        ("text/csv", b"a,b\n", "text/csv"),
        ("application/json", b"{}", "application/json"),
        ("application/x-own", b"\x00\x01\x02", "application/x-own"),
        ("application/x-own", b"hello", "application/x-own"),
        ("image/jpg", JPEG, "image/jpeg"),
        ("image/png", b"", "image/png"),
    ],
)
def test_a_file_is_what_its_bytes_and_its_sender_agree_on(declared: str, head: bytes, found: str) -> None:
    assert settle(essence_of(declared), head) == found


@pytest.mark.parametrize(
    ("declared", "head"),
    [
        ("image/png", JPEG),
        ("image/png", b"hello"),
        ("image/png", b"<svg xmlns='http://www.w3.org/2000/svg'>"),
        ("image/jpeg", b"<html>"),
        ("application/pdf", b"MZ not a document"),
        ("application/pdf", PNG),
        ("application/json", PNG),
        ("text/plain", PNG),
        ("text/csv", b"\x00\x01\x02"),
        ("application/zip", b"hello"),
        ("video/mp4", b"\x00\x01\x02"),
    ],
)
def test_what_the_bytes_contradict_is_refused(declared: str, head: bytes) -> None:
    with pytest.raises(Problem) as raised:
        settle(declared, head)
    assert raised.value.status == 415


@pytest.mark.parametrize(
    "head",
    [
        b"<html>",
        b"<!DOCTYPE html>",
        b"\xef\xbb\xbf \n<ScRiPt>",
        b"<!-- a comment --><iframe src=x>",
        b"<svg onload=alert(1)>",
        b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<?xml version='1.0'?><x/>",
        b"<img src=x onerror=alert(1)>",
    ],
)
@pytest.mark.parametrize("declared", [UNKNOWN, "text/plain"])
def test_what_a_browser_would_run_is_called_what_it_is(declared: str, head: bytes) -> None:
    assert settle(declared, head) in ACTIVE


@given(st.binary(max_size=SNIFF_BYTES), st.sampled_from([UNKNOWN, "text/plain", "image/png", "application/json"]))
def test_any_bytes_are_of_some_type_or_refused(head: bytes, declared: str) -> None:
    found = settled(declared, head)
    assert found == 415 or essence_of(str(found)) == found


def settled(declared: str, head: bytes) -> str | int:
    try:
        return settle(declared, head)
    except Problem as problem:
        return problem.status


def test_a_character_that_is_cut_off_at_the_end_does_not_make_text_binary() -> None:
    head = ("a" * (SNIFF_BYTES - 2) + "€").encode()[:SNIFF_BYTES]
    assert settle(UNKNOWN, head) == "text/plain"


@pytest.mark.parametrize(
    "head", [b"0123456789, counted", b"From: the office", b"begin with it", b"ID3 tags", b"P1 is it"]
)
def test_a_text_that_begins_like_a_signature_is_still_a_text(head: bytes) -> None:
    assert settle("text/plain", head) == "text/plain"


def test_a_list_of_types_has_wildcards_but_not_for_what_browsers_run() -> None:
    assert allows(("image/*",), "image/png")
    assert not allows(("image/*",), "image/svg+xml")
    assert allows(("image/*", "image/svg+xml"), "image/svg+xml")
    assert not allows(("*/*",), "text/html")
    assert not allows(("image/*",), "imagery/png")
