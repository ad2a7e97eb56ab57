"""Compression through the application, decoded by the libraries that clients have."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from hashlib import sha512
from typing import Any

import brotli
import msgspec
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from headwater.commit import Tx
from headwater.http import Problem, Request, Response, Route
from headwater.http.compression.codec import Brotli, Codec, Gzip, Zstd
from headwater.http.message import ndjson as streaming
from headwater.settings import Settings
from headwater.testing.client import Reply
from tests.unit.http.support import Built, build, command, query

WINDOW_LOG = 23  # 8 MB, which is what a client has to be ready for

CODECS: list[Codec] = [Zstd(3), Brotli(4), Gzip(6)]
CODINGS = ("zstd", "br", "gzip")
TEXT = "".join(f"line {n * n} of many; " for n in range(400))


def unzstd(data: bytes) -> bytes:
    limited = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG})
    decoded: bytes = limited.decompress(data)
    assert limited.eof
    return decoded


def ungzip(data: bytes) -> bytes:
    decoder = zlib.decompressobj(31)
    decoded = decoder.decompress(data)
    assert decoder.eof
    return decoded


DECODE: dict[str, Callable[[bytes], bytes]] = {"zstd": unzstd, "br": brotli.decompress, "gzip": ungzip}


class Partly:
    """A decoder that is given a body piece by piece."""

    def __init__(self, coding: str) -> None:
        decoders: dict[str, Any] = {
            "zstd": zstd.ZstdDecompressor().decompress,
            "br": brotli.Decompressor().process,
            "gzip": zlib.decompressobj(31).decompress,
        }
        self._decode: Callable[[bytes], bytes] = decoders[coding]
        self._gives_in_parts = coding == "br"

    def decode(self, piece: bytes) -> bytes:
        text = self._decode(piece)
        while self._gives_in_parts and (more := self._decode(b"")):
            text += more
        return text


def decoded(reply: Reply) -> bytes:
    coding = reply.headers.get("content-encoding")
    return DECODE[coding](reply.body) if coding else reply.body


async def show(size: int = 4000) -> str:
    return TEXT[:size]


def shop(**options: Any) -> Built:
    return build(query("/a", show, **options))


async def get(built: Built, accept: str | None = None, path: str = "/a", method: str = "GET") -> Reply:
    return await built.client.request(method, path, headers={} if accept is None else {"Accept-Encoding": accept})


@given(st.binary(max_size=2000), st.integers(1, 200))
def test_every_codec_gives_back_what_it_was_given(body: bytes, times: int) -> None:
    for codec in CODECS:
        decode = DECODE[codec.name.decode()]
        assert decode(codec.encode(body * times)) == decode(codec.encode_apart(body * times)) == body * times


@given(st.lists(st.binary(max_size=500), max_size=10))
def test_each_piece_can_be_decoded_once_it_is_there(pieces: list[bytes]) -> None:
    for codec in CODECS:
        packer, decoder, encoded = codec.start(), Partly(codec.name.decode()), b""
        for piece in pieces:
            packed = packer.pack(piece)
            encoded += packed
            assert decoder.decode(packed) == piece
        assert DECODE[codec.name.decode()](encoded + packer.finish()) == b"".join(pieces)


@pytest.mark.parametrize("level", [1, 3, 9, 19])
def test_the_window_of_zstd_is_never_more_than_a_client_has_to_bear(level: int) -> None:
    body = b"".join(b"%d" % (n * n) for n in range(1_500_000))
    codec = Zstd(level)
    packer = codec.start()
    assert unzstd(packer.pack(body[:2_000_000]) + packer.finish()) == body[:2_000_000]
    if level <= 3:
        assert len(body) > 1 << WINDOW_LOG
        assert unzstd(codec.encode_apart(body)) == body


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [1022, 4000, 7000])
async def test_a_large_answer_is_encoded_as_the_client_asks(coding: str, size: int) -> None:
    plain = await get(shop(), path=f"/a?size={size}")
    reply = await get(shop(), coding, f"/a?size={size}")
    assert decoded(reply) == plain.body
    assert (reply.headers["content-encoding"], reply.headers["vary"]) == (coding, "accept-encoding")
    assert int(reply.headers["content-length"]) == len(reply.body) < len(plain.body)
    assert reply.headers["content-type"] == plain.headers["content-type"]


async def test_who_says_nothing_gets_it_plain_and_is_told_that_others_may_not() -> None:
    for accept in (None, "", "identity", "deflate"):
        reply = await get(shop(), accept)
        assert ("content-encoding" in reply.headers, reply.headers["vary"]) == (False, "accept-encoding")
        assert reply.json() == TEXT[:4000]


async def test_a_small_answer_is_sent_as_it_is_unless_the_client_insists() -> None:
    small = "/a?size=1021"
    assert "content-encoding" not in (await get(shop(), "gzip", small)).headers
    assert (await get(shop(), "gzip", small)).headers["vary"] == "accept-encoding"
    for path in (small, "/a?size=0"):
        insisting = await get(shop(), "gzip, identity;q=0", path)
        assert insisting.headers["content-encoding"] == "gzip"
        assert decoded(insisting) == (await get(shop(), None, path)).body


async def test_what_would_become_larger_is_sent_as_it_is() -> None:
    async def noise() -> Response:
        return Response(b"".join(sha512(b"%d" % n).digest() for n in range(40)), media_type="text/plain")

    assert "content-encoding" not in (await get(build(query("/a", noise)), "gzip")).headers


async def test_a_client_that_takes_nothing_is_told_before_anything_is_done() -> None:
    async def save(tx: Tx) -> str:
        return TEXT

    built = build(command("/a", save))
    for accept in ("identity;q=0", "*;q=0", "deflate, *;q=0"):
        refused = await built.client.post("/a", headers={"Accept-Encoding": accept})
        assert (refused.status, refused.json()["available"]) == (406, ["zstd", "br", "gzip", "identity"])
        assert "content-encoding" not in refused.headers
    assert built.committer.origins == []


async def test_head_has_the_headers_of_get() -> None:
    for accept in ("zstd", None):
        built = shop(etag=True)
        got, asked = await get(built, accept), await get(built, accept, method="HEAD")
        ignored = {"x-request-id"}
        assert {n: v for n, v in asked.headers.items() if n not in ignored} == {
            n: v for n, v in got.headers.items() if n not in ignored
        }
        assert asked.body == b""


async def test_each_coding_has_its_own_strong_tag_and_each_is_known_again() -> None:
    built = shop(etag=True)
    tags = {}
    for coding in (*CODINGS, "identity"):
        reply = await get(built, coding)
        tag = tags[coding] = reply.headers["etag"]
        again = await built.client.get("/a", headers={"Accept-Encoding": coding, "If-None-Match": tag})
        assert (again.status, again.headers["etag"], again.headers["vary"]) == (304, tag, "accept-encoding")
        assert "content-encoding" not in again.headers
    assert len(set(tags.values())) == 4
    assert tags["br"] == tags["identity"][:-1] + '+br"'
    other = await built.client.get("/a", headers={"Accept-Encoding": "gzip", "If-None-Match": tags["br"]})
    assert (other.status, other.headers["content-encoding"]) == (200, "gzip")


async def test_a_tag_of_a_compressed_answer_protects_an_update() -> None:
    class Note(msgspec.Struct):
        text: str = TEXT
        revision: int = 7

    async def read() -> Note:
        return Note()

    async def lock(tx: Tx) -> Note:
        return Note()

    async def write(tx: Tx) -> Note:
        return Note(revision=8)

    client = build(
        query("/a", read, etag="revision"), command("/a", write, "PATCH", etag="revision", current=lock)
    ).client
    tag = (await client.get("/a", headers={"Accept-Encoding": "br"})).headers["etag"]
    written = await client.patch("/a", headers={"Accept-Encoding": "gzip", "If-Match": tag})
    assert (tag, written.status, written.headers["etag"]) == ('"7+br"', 200, '"8+gzip"')


def respond(headers: dict[str, str] | None = None, media_type: str = "text/html", status: int = 200) -> Route:
    async def answer() -> Response:
        return Response(TEXT.encode(), headers=headers or {}, media_type=media_type, status=status)

    return query("/a", answer)


@pytest.mark.parametrize(
    "media_type",
    ["text/plain; charset=utf-8", "TEXT/HTML", "application/json", "application/geo+json", "image/svg+xml", "text/csv"],
)
async def test_text_is_encoded(media_type: str) -> None:
    reply = await get(build(respond(media_type=media_type)), "br")
    assert (decoded(reply).decode(), reply.headers["content-encoding"]) == (TEXT, "br")


@pytest.mark.parametrize(
    "route",
    [
        respond(media_type="image/png"),
        respond(media_type="application/zip"),
        respond(media_type="application/octet-stream"),
        respond(media_type="text/event-stream"),
        respond({"Content-Encoding": "gzip"}),
        respond({"Cache-Control": "public, No-Transform"}),
        respond({"Set-Cookie": "session=secret"}),
        respond({"Content-Range": "bytes 0-9/10"}, status=206),
        respond({"Repr-Digest": "sha-256=:x:"}),
        respond({"Accept-Ranges": "bytes"}),
    ],
)
async def test_what_is_better_left_alone_is_left_alone(route: Route) -> None:
    reply = await get(build(route), "zstd, br, gzip")
    assert reply.body.decode() == TEXT
    assert reply.headers.get("content-encoding", "gzip") == "gzip"


async def test_a_cookie_that_is_set_from_outside_the_handler_counts_as_well() -> None:
    async def answer(request: Request) -> str:
        request.add(b"set-cookie", b"session=secret")
        return TEXT

    assert "content-encoding" not in (await get(build(query("/a", answer)), "br")).headers


async def test_a_route_or_the_whole_backend_can_leave_its_answers_plain() -> None:
    for built in (shop(compress=False), build(query("/a", show), settings=Settings(compression=False))):
        for accept in ("br", "identity;q=0"):
            reply = await get(built, accept)
            assert reply.json() == TEXT[:4000]
            assert not {"content-encoding", "vary"} & set(reply.headers)


async def test_the_minimum_can_be_set() -> None:
    built = build(query("/a", show), settings=Settings(compression_minimum=50))
    assert (await get(built, "gzip", "/a?size=60")).headers["content-encoding"] == "gzip"


async def test_a_large_problem_is_encoded_like_any_answer() -> None:
    async def refuse() -> str:
        raise Problem(409, detail=TEXT)

    reply = await get(build(query("/a", refuse)), "br")
    assert (reply.status, reply.headers["content-encoding"]) == (409, "br")
    assert msgspec.json.decode(decoded(reply))["detail"] == TEXT


async def test_the_stored_answer_of_a_command_is_plain_and_replayed_to_each_as_he_asks() -> None:
    async def save(tx: Tx) -> str:
        return TEXT

    built = build(command("/a", save, idempotency="optional"))
    for accept in ("br", "gzip", "identity"):
        reply = await built.client.post("/a", headers={"Accept-Encoding": accept}, idempotency_key="k")
        assert reply.headers.get("content-encoding", "identity") == accept
        assert msgspec.json.decode(decoded(reply)) == TEXT
    (stored,) = built.committer.committed
    assert msgspec.json.decode(stored.body) == TEXT
    assert "content-encoding" not in dict(stored.headers)


async def test_a_large_body_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def huge() -> str:
        return TEXT * 20

    apart: list[int] = []
    encode = Gzip.encode_apart

    def spy(codec: Gzip, body: bytes) -> bytes:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        apart.append(len(body))
        return encode(codec, body)

    monkeypatch.setattr(Gzip, "encode_apart", spy)
    reply = await get(build(query("/a", huge)), "gzip")
    assert msgspec.json.decode(decoded(reply)) == TEXT * 20
    assert len(apart) == 1


async def test_an_answer_without_content_is_none_to_encode() -> None:
    async def touch(tx: Tx) -> None: ...

    reply = await build(command("/a", touch)).client.post("/a", headers={"Accept-Encoding": "gzip, identity;q=0"})
    assert (reply.status, reply.body) == (204, b"")
    assert not {"content-encoding", "vary"} & set(reply.headers)


@pytest.mark.parametrize("coding", CODINGS)
async def test_lines_are_encoded_as_they_come(coding: str) -> None:
    async def export() -> AsyncIterator[str]:
        for _ in range(60):
            yield TEXT

    reply = await get(build(query("/a", export)), coding)
    assert (reply.headers["content-encoding"], reply.headers["vary"]) == (coding, "accept-encoding")
    assert [msgspec.json.decode(line) for line in decoded(reply).splitlines()] == [TEXT] * 60
    assert len(reply.body) < len(TEXT) * 60 / 5


@pytest.mark.parametrize("coding", CODINGS)
async def test_the_client_sees_a_line_while_the_next_is_still_being_found(
    coding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "FLUSH_SECONDS", 0.01)
    seen, decoder, text = asyncio.Event(), Partly(coding), b""

    async def export() -> AsyncIterator[int]:
        yield 1
        await asyncio.wait_for(seen.wait(), 10)
        yield 2

    async def send(message: Any) -> None:
        nonlocal text
        if message["type"] == "http.response.body" and message["body"]:
            text += decoder.decode(message["body"])
            if text == b"1\n":
                seen.set()

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/a",
        "query_string": b"",
        "headers": [(b"host", b"a"), (b"accept-encoding", coding.encode())],
    }
    await build(query("/a", export)).app(scope, None, send)
    assert text == b"1\n2\n"


@pytest.mark.parametrize("coding", CODINGS)
async def test_an_error_in_the_middle_can_be_read_and_the_end_is_missing(coding: str) -> None:
    async def export() -> AsyncIterator[int]:
        for number in range(20_000):
            yield number
        raise Problem(409, detail="In the middle.")

    reply = await get(build(query("/a", export)), coding)
    first, *_, problem = Partly(coding).decode(reply.body).splitlines()
    assert (first, msgspec.json.decode(problem)["detail"]) == (b"0", "In the middle.")
    assert not reply.complete


async def test_the_access_log_counts_what_was_sent() -> None:
    built = shop()
    reply = await get(built, "br")
    await built.app.stop()
    assert [line["bytes"] for line in built.lines] == [len(reply.body)]


async def test_the_document_is_encoded() -> None:
    reply = await get(shop(), "br", "/openapi.json")
    assert reply.headers["content-encoding"] == "br"
