"""An upload is kept by the commit of its command, or nothing of it stays."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from headwater.objects import StoreFull, StoreUnavailable
from headwater.objects.parts import PART_BYTES
from headwater.objects.sweep import sweep
from headwater.settings import Settings
from headwater.testing.running import RunningBackend
from tests.integration.files.album import LIMIT, MIB
from tests.integration.files.sending import NOTHING, ONE, PNG, Gone, counts, objects_of, send, stored

PREFIX = "https://iana.org/assignments/http-problem-types#"

only_folder = pytest.mark.parametrize("store", ["folder"], indirect=True)


def digest(content: bytes, algorithm: str = "sha-256") -> str:
    return f"{algorithm}=:{base64.b64encode(hashlib.new(algorithm.replace('-', ''), content).digest()).decode()}:"


async def test_an_upload_is_kept_with_the_row_that_refers_to_it(album: RunningBackend) -> None:
    headers = {"content-type": "image/png", "content-disposition": "attachment; filename*=UTF-8''gr%C3%BCn.png"}
    added = await album.client.post("/pictures?title=green", body=PNG, headers=headers)
    assert added.status == 201, added.text
    assert added.json() == {
        "id": added.json()["id"],
        "size": len(PNG),
        "media_type": "image/png",
        "filename": "grün.png",
        "sha256": hashlib.sha256(PNG).hexdigest(),
    }
    assert await counts(album) == ONE
    assert len(await stored(album)) == 1


async def test_a_large_upload_is_stored_in_parts_and_read_as_one(album: RunningBackend) -> None:
    content = bytes(range(256)) * (2 * PART_BYTES // 256) + b"the end"
    pieces = [content[at : at + 3 * MIB] for at in range(0, len(content), 3 * MIB)]
    added = await send(album, "PUT", "/anything/large", pieces)
    assert added.json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(await stored(album)) == 3
    got = await album.client.get(f"/pictures/{added.json()['id']}/file")
    assert hashlib.sha256(got.body).digest() == hashlib.sha256(content).digest()


async def test_a_file_may_be_empty(album: RunningBackend) -> None:
    added = await album.client.put("/anything/empty", body=b"")
    assert (added.status, added.json()["size"]) == (200, 0)
    got = await album.client.get(f"/pictures/{added.json()['id']}/file")
    assert (got.status, got.body, got.headers["content-length"]) == (200, b"", "0")


@pytest.mark.parametrize("field", ["Content-Digest", "Repr-Digest"])
@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
@only_folder
async def test_a_digest_that_matches_is_accepted(album: RunningBackend, field: str, algorithm: str) -> None:
    added = await album.client.post("/pictures", body=PNG, headers={field: digest(PNG, algorithm)})
    assert added.status == 201


@pytest.mark.parametrize("field", ["Content-Digest", "Repr-Digest"])
@only_folder
async def test_a_digest_that_does_not_match_is_refused_and_nothing_stays(album: RunningBackend, field: str) -> None:
    refused = await album.client.post("/pictures", body=PNG, headers={field: digest(b"other", "sha-512")})
    assert (refused.status, refused.json()["type"]) == (400, PREFIX + "digest-mismatched-values")
    assert refused.json()["mismatched-digests"] == [
        {
            "algorithm": "sha-512",
            "provided-digest": digest(b"other", "sha-512").partition("=")[2],
            "header": field,
        }
    ]
    assert (await counts(album), await stored(album)) == (NOTHING, [])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("md5=:AAAA:", "digest-unsupported-algorithms"),
        ("sha-256=:AAAA:", "digest-invalid-values"),
        ("sha-256=5", "digest-invalid-values"),
        ("sha-256=", None),
        ("x" * 5000, None),
    ],
)
@only_folder
async def test_what_is_no_digest_to_check_by_is_refused_before_the_body(
    album: RunningBackend, value: str, kind: str | None
) -> None:
    async def untouched() -> AsyncIterator[bytes]:
        raise AssertionError("the body is not asked for")
        yield b""

    refused = await send(album, "POST", "/pictures", untouched(), {"Content-Digest": value})
    assert refused.status == 400
    assert refused.json()["type"] == (PREFIX + kind if kind else "about:blank")
    assert await counts(album) == NOTHING


async def test_what_is_declared_too_large_is_refused_before_the_body(album: RunningBackend) -> None:
    headers = {"content-length": str(LIMIT + 1)}
    refused = await send(album, "POST", "/pictures", [], headers)
    assert (refused.status, refused.json()["limit"]) == (413, LIMIT)


async def test_what_turns_out_too_large_is_refused_and_nothing_stays(album: RunningBackend) -> None:
    pieces = [PNG, *[bytes(MIB)] * (LIMIT // MIB)]
    refused = await send(album, "POST", "/pictures", pieces)
    assert refused.status == 413
    assert (await counts(album), await stored(album)) == (NOTHING, [])


@pytest.mark.parametrize("pieces", [0, 1, 12])
async def test_an_upload_that_breaks_off_leaves_nothing(album: RunningBackend, pieces: int) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield PNG + bytes(MIB)
        raise Gone

    await send(album, "POST", "/pictures", breaking())
    assert (await counts(album), await stored(album)) == (NOTHING, [])


@only_folder
async def test_what_the_handler_refuses_leaves_nothing(album: RunningBackend) -> None:
    refused = await album.client.post("/pictures?title=refused", body=PNG)
    assert refused.status == 409
    assert (await counts(album), await stored(album)) == (NOTHING, [])


@only_folder
async def test_what_the_query_string_is_refused_for_leaves_nothing(album: RunningBackend) -> None:
    refused = await album.client.post("/pictures?titel=x", body=PNG)
    assert refused.status == 422
    assert (await counts(album), await stored(album)) == (NOTHING, [])


async def test_the_same_key_keeps_one_file(album: RunningBackend) -> None:
    first = await album.client.post("/pictures", body=PNG, idempotency_key="one")
    again = await album.client.post("/pictures", body=PNG, idempotency_key="one")
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    other = await album.client.post("/pictures", body=PNG + b"!", idempotency_key="one")
    assert other.status == 422
    assert await counts(album) == ONE
    assert len(await stored(album)) == 1


@only_folder
async def test_fifty_at_once_under_one_key_keep_one_file(album: RunningBackend) -> None:
    sent = [album.client.post("/pictures", body=PNG, idempotency_key="many") for _ in range(50)]
    replies = await asyncio.gather(*sent)
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body for reply in replies}) == 1
    assert await counts(album) == ONE
    assert len(await stored(album)) == 1


@pytest.mark.parametrize(
    ("declared", "content", "status", "found"),
    [
        ("image/png", PNG, 201, "image/png"),
        (None, PNG, 201, "image/png"),
        ("application/octet-stream", PNG, 201, "image/png"),
        ("image/jpeg", PNG, 415, None),
        ("image/png", b"<html><script>alert(1)</script>", 415, None),
        (None, b"<html><script>alert(1)</script>", 415, None),
        ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, None),
        ("application/pdf", b"%PDF-1.7\n", 415, None),
        ("text/plain", b"just text", 201, "text/plain"),
        (None, b"just text", 201, "text/plain"),
        (None, b"\x00\x01\x02\x03", 415, None),
        ("text/plain", b"", 201, "text/plain"),
        (None, b"", 415, None),
    ],
)
@only_folder
async def test_only_the_types_of_the_route_are_taken_by_what_their_bytes_are(
    album: RunningBackend, declared: str | None, content: bytes, status: int, found: str | None
) -> None:
    headers = {} if declared is None else {"content-type": declared}
    reply = await send(album, "POST", "/pictures", [content], headers)
    assert reply.status == status, reply.text
    if found:
        assert reply.json()["media_type"] == found
    else:
        assert (await counts(album), await stored(album)) == (NOTHING, [])


@only_folder
async def test_a_compressed_body_is_refused(album: RunningBackend) -> None:
    assert (await album.client.post("/pictures", body=PNG, headers={"content-encoding": "gzip"})).status == 415


class TestPace:
    """With a grace of 0.2 seconds and then 100 kB a second."""

    @pytest.fixture
    def album_settings(self, store: Settings) -> Settings:
        return msgspec.structs.replace(store, body_seconds=0.2, upload_bytes_per_second=100_000)

    @only_folder
    async def test_a_client_that_stops_is_told_so_and_nothing_stays(self, album: RunningBackend) -> None:
        async def stalling() -> AsyncIterator[bytes]:
            yield PNG
            await asyncio.Event().wait()

        refused = await send(album, "POST", "/pictures", stalling())
        assert refused.status == 408
        assert (await counts(album), await stored(album)) == (NOTHING, [])

    @only_folder
    async def test_a_client_that_trickles_is_told_so_although_it_never_stops(self, album: RunningBackend) -> None:
        async def trickling() -> AsyncIterator[bytes]:
            yield PNG
            while True:
                await asyncio.sleep(0.05)
                yield b"."

        async with asyncio.timeout(10):
            assert (await send(album, "POST", "/pictures", trickling())).status == 408


@only_folder
async def test_a_full_store_and_one_that_is_gone_are_told_apart(
    album: RunningBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, status in (
        (StoreFull(location="here", reason="No space left on device"), 507),
        (StoreUnavailable(location="here", reason="timed out"), 503),
    ):

        async def fail(*args: object, error: Exception = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr("headwater.objects.store.Objects.put", fail)
            refused = await album.client.post("/pictures", body=PNG)
        assert refused.status == status
        assert ("retry-after" in refused.headers) == (status == 503)
        assert await counts(album) == NOTHING


async def test_a_picture_that_is_removed_takes_its_bytes_with_it(album: RunningBackend) -> None:
    added = (await album.client.post("/pictures", body=PNG)).json()
    assert (await album.client.delete(f"/pictures/{added['id']}")).status == 204
    assert (await album.client.get(f"/pictures/{added['id']}/file")).status == 404
    assert await sweep(album.backend.opened.committer, objects_of(album), album.clock.now()) == 1
    assert (await counts(album), await stored(album)) == (NOTHING, [])


def form(content: bytes, kind: str = "image/png") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="mug.png"\r\nContent-Type: {kind}\r\n\r\n'
    note = '--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nwith love\r\n'
    return note.encode() + head.encode() + content + b"\r\n--b--\r\n"


FORM = {"content-type": "multipart/form-data; boundary=b"}


async def test_a_form_of_a_browser_is_an_upload_as_well(album: RunningBackend) -> None:
    added = await album.client.post("/pictures", body=form(PNG), headers=FORM)
    assert added.status == 201, added.text
    assert (added.json()["filename"], added.json()["media_type"]) == ("mug.png", "image/png")
    assert (added.json()["size"], added.json()["sha256"]) == (len(PNG), hashlib.sha256(PNG).hexdigest())
    got = await album.client.get(f"/pictures/{added.json()['id']}/file")
    assert got.body == PNG


@only_folder
async def test_a_form_that_is_sent_again_is_the_same_whatever_its_boundary(album: RunningBackend) -> None:
    first = await album.client.post("/pictures", body=form(PNG), headers=FORM, idempotency_key="form")
    again = await album.client.post(
        "/pictures",
        body=form(PNG).replace(b"--b", b"--other"),
        headers={"content-type": "multipart/form-data; boundary=other"},
        idempotency_key="form",
    )
    assert (again.status, again.body) == (201, first.body)
    changed = form(PNG).replace(b"with love", b"with hate")
    assert (await album.client.post("/pictures", body=changed, headers=FORM, idempotency_key="form")).status == 422
    assert await counts(album) == ONE


@only_folder
async def test_a_digest_of_a_form_is_that_of_the_whole_form(album: RunningBackend) -> None:
    headers = {**FORM, "content-digest": digest(form(PNG))}
    assert (await album.client.post("/pictures", body=form(PNG), headers=headers)).status == 201
    headers = {**FORM, "content-digest": digest(PNG)}
    assert (await album.client.post("/pictures", body=form(PNG), headers=headers)).status == 400


@only_folder
async def test_the_file_in_a_form_is_judged_as_any_other(album: RunningBackend) -> None:
    assert (await album.client.post("/pictures", body=form(PNG, "text/html"), headers=FORM)).status == 415
    assert (await album.client.post("/pictures", body=form(b"no image"), headers=FORM)).status == 415
    assert (await album.client.post("/pictures", body=form(PNG)[:-20], headers=FORM)).status == 400
    assert (
        await album.client.post("/pictures", body=form(PNG), headers={"content-type": FORM["content-type"][:19]})
    ).status == 400
    pieces = [form(PNG + bytes(LIMIT))[at : at + MIB] for at in range(0, LIMIT + MIB, MIB)]
    assert (await send(album, "POST", "/pictures", pieces, FORM)).status == 413
    assert (await counts(album), await stored(album)) == (NOTHING, [])
