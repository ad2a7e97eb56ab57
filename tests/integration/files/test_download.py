"""A download is sent whole or in part, is told apart from other states, and is never run by a browser."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headwater.http.files.digest import repr_digest
from headwater.objects import Objects, StoreUnavailable
from headwater.objects.parts import PART_BYTES
from headwater.testing.running import RunningBackend
from tests.integration.files.album import MIB
from tests.integration.files.sending import PNG, objects_of, scope_of, send, stored

only_folder = pytest.mark.parametrize("store", ["folder"], indirect=True)
LARGE = bytes(range(256)) * ((PART_BYTES + MIB) // 256)


async def kept(album: RunningBackend, content: bytes = PNG, **headers: str) -> str:
    """The path of a file that has been uploaded."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    added = await send(album, "PUT", "/anything/x", [content], named)
    assert added.status == 200, added.text
    return f"/pictures/{added.json()['id']}/file"


async def test_a_file_comes_back_as_it_was_with_what_is_known_of_it(album: RunningBackend) -> None:
    path = await kept(album, PNG, content_disposition='attachment; filename="Über uns.png"')
    got = await album.client.get(path)
    assert (got.status, got.body) == (200, PNG)
    assert got.headers["content-type"] == "image/png"
    assert got.headers["content-length"] == str(len(PNG))
    assert got.headers["accept-ranges"] == "bytes"
    assert got.headers["cache-control"] == "private, no-cache"
    assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["repr-digest"].startswith("sha-256=:")
    assert got.headers["content-disposition"].startswith('inline; filename="')


async def test_head_says_the_same_without_the_bytes(album: RunningBackend) -> None:
    path = await kept(album)
    got, head = await album.client.get(path), await album.client.head(path)
    assert (head.status, head.body) == (200, b"")
    own = {"x-request-id"}
    assert {name: value for name, value in head.headers.items() if name not in own} == {
        name: value for name, value in got.headers.items() if name not in own
    }


async def test_what_the_client_has_already_is_not_sent_again(album: RunningBackend) -> None:
    path = await kept(album)
    etag = (await album.client.get(path)).headers["etag"]
    for headers in ({"if-none-match": etag}, {"if-none-match": f"W/{etag}"}, {"if-none-match": "*"}):
        again = await album.client.get(path, headers=headers)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    assert (await album.client.get(path, headers={"if-none-match": '"other"'})).status == 200
    assert (await album.client.get(path, headers={"if-match": '"other"'})).status == 412


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=-5", len(LARGE) - 5, len(LARGE)),
        (f"bytes={PART_BYTES - 3}-{PART_BYTES + 3}", PART_BYTES - 3, PART_BYTES + 4),
        (f"bytes={PART_BYTES}-", PART_BYTES, len(LARGE)),
    ],
)
async def test_a_range_is_answered_with_that_part(album: RunningBackend, asked: str, start: int, stop: int) -> None:
    path = await kept(album, LARGE)
    got = await album.client.get(path, headers={"range": asked})
    assert got.status == 206
    assert got.body == LARGE[start:stop]
    assert got.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(LARGE)}"
    assert got.headers["content-length"] == str(stop - start)


async def test_several_ranges_come_as_parts_of_one_body(album: RunningBackend) -> None:
    path = await kept(album, LARGE)
    got = await album.client.get(path, headers={"range": "bytes=0-9,1000-1009"})
    assert got.status == 206
    assert got.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert got.headers["content-length"] == str(len(got.body))
    assert LARGE[:10] in got.body
    assert LARGE[1000:1010] in got.body


async def test_a_range_behind_the_end_is_416(album: RunningBackend) -> None:
    got = await album.client.get(await kept(album), headers={"range": f"bytes={len(PNG)}-"})
    assert (got.status, got.headers["content-range"]) == (416, f"bytes */{len(PNG)}")


async def test_if_range_gives_the_part_of_the_same_state_and_the_whole_of_another(album: RunningBackend) -> None:
    path = await kept(album)
    etag = (await album.client.head(path)).headers["etag"]
    same = await album.client.get(path, headers={"range": "bytes=0-3", "if-range": etag})
    other = await album.client.get(path, headers={"range": "bytes=0-3", "if-range": '"other"'})
    assert (same.status, same.body) == (206, PNG[:4])
    assert (other.status, other.body) == (200, PNG)


@only_folder
async def test_a_content_digest_is_given_to_whoever_wants_one(album: RunningBackend) -> None:
    path = await kept(album)
    plain = await album.client.get(path)
    wanted = await album.client.get(path, headers={"want-content-digest": "sha-512=3, sha-256=10"})
    assert "content-digest" not in plain.headers
    assert wanted.headers["content-digest"] == plain.headers["repr-digest"]
    for wish in ("sha-256=0", "md5=1", "sha-256=yes", "((("):
        assert "content-digest" not in (await album.client.get(path, headers={"want-content-digest": wish})).headers


@pytest.mark.parametrize(
    ("declared", "content", "served", "kind"),
    [
        ("text/html", b"<script>alert(1)</script>", "application/octet-stream", "attachment"),
        ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "application/octet-stream", "attachment"),
        ("application/xhtml+xml", b"<?xml version='1.0'?><html/>", "application/octet-stream", "attachment"),
        ("text/javascript", b"alert(1)", "application/octet-stream", "attachment"),
        ("text/plain", b"  <!-- x --> <HTML>", "application/octet-stream", "attachment"),
        ("application/pdf", b"%PDF-1.7\n", "application/pdf", "attachment"),
        ("text/plain", b"hello", "text/plain; charset=utf-8", "inline"),
        ("text/csv", b"a,b\n1,2\n", "text/csv; charset=utf-8", "attachment"),
        ("application/x-own", b"\x00\x01own", "application/x-own", "attachment"),
        ("image/png", PNG, "image/png", "inline"),
    ],
)
@only_folder
async def test_only_what_is_harmless_is_shown_by_a_browser(
    album: RunningBackend, declared: str, content: bytes, served: str, kind: str
) -> None:
    got = await album.client.get(await kept(album, content, content_type=declared))
    assert got.headers["content-type"] == served
    assert got.headers["content-disposition"].partition(";")[0] == kind
    assert got.headers["x-content-type-options"] == "nosniff"


@only_folder
async def test_a_handler_can_have_an_image_saved(album: RunningBackend) -> None:
    got = await album.client.get(f"{await kept(album)}?save=true")
    assert got.headers["content-disposition"] == "attachment"


async def test_an_object_of_the_app_is_sent_by_its_key(album: RunningBackend) -> None:
    await objects_of(album).put("exports/july.csv", b"a,b\n1,2\n")
    got = await album.client.get("/exports/july.csv")
    assert (got.status, got.body) == (200, b"a,b\n1,2\n")
    assert got.headers["content-disposition"] == 'attachment; filename="july.csv"'
    assert (await album.client.get("/exports/july.csv", headers={"if-none-match": got.headers["etag"]})).status == 304
    for name in ("june.csv", "%C2%90", "%23", "..", "%2e%2e", "x" * 2000):
        assert (await album.client.get(f"/exports/{name}")).status == 404
    hostile = await album.client.get("/exports/july.csv", headers={"x-kind": "text/html"})
    assert hostile.headers["content-type"] == "application/octet-stream"


async def test_a_file_whose_bytes_are_lost_is_an_error_of_ours(album: RunningBackend) -> None:
    path = await kept(album, LARGE)
    keys = await stored(album)
    await objects_of(album).delete(keys[0])
    assert (await album.client.get(path)).status == 500


async def test_a_file_that_breaks_off_in_the_middle_is_cut_short_and_nothing_is_invented(album: RunningBackend) -> None:
    path = await kept(album, LARGE)
    keys = sorted(await stored(album), key=lambda key: int(key.rpartition("/")[2].partition("-")[0]))
    await objects_of(album).delete(keys[-1])
    got = await album.client.get(path)
    assert got.body == LARGE[:PART_BYTES]
    assert int(got.headers["content-length"]) == len(LARGE)
    assert not got.complete


async def test_a_store_that_is_gone_is_a_problem_and_not_half_an_answer(
    album: RunningBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await kept(album)

    async def fail(*args: object) -> AsyncIterator[bytes]:
        raise StoreUnavailable(location="here", reason="timed out")
        yield b""

    monkeypatch.setattr("headwater.objects.store.Objects.stream", fail)
    got = await album.client.get(path)
    assert (got.status, got.headers["retry-after"]) == (503, "5")


@only_folder
async def test_a_client_that_goes_away_stops_the_reading(
    album: RunningBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await kept(album, PNG)
    read = asyncio.Event()
    stopped = asyncio.Event()

    async def endless(self: Objects, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                read.set()
                await asyncio.sleep(0)
        finally:
            stopped.set()

    monkeypatch.setattr("headwater.objects.store.Objects.stream", endless)
    scope: dict[str, Any] = {}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def answer(message: dict[str, Any]) -> None:
        scope.update(message)
        if read.is_set():
            raise ConnectionError("the client is gone")

    with pytest.raises(Exception, match="was aborted"):
        await album.backend(scope_of("GET", path, {}), receive, answer)
    await asyncio.wait_for(stopped.wait(), 5)


def test_a_digest_is_written_as_a_byte_sequence() -> None:
    assert repr_digest(b"abc") == b"sha-256=:YWJj:"
