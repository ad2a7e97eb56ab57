"""tus 1.0: what has arrived stays, whatever breaks; what is whole is the application's, once."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import pytest

from headwater.objects.parts import PART_BYTES
from headwater.testing.running import RunningBackend
from tests.integration.files.album import MIB, Picture
from tests.integration.files.sending import NOTHING, ONE, PNG, Gone, counts, send, stored
from tests.integration.files.tus import BYTES, SPOKEN, Upload, metadata

only_folder = pytest.mark.parametrize("store", ["folder"], indirect=True)
LONG = bytes(range(256)) * ((2 * PART_BYTES + 3 * MIB) // 256)


async def breaking(content: bytes, size: int = MIB) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]
    raise Gone


async def the_file(album: RunningBackend) -> bytes:
    """The bytes of the only picture."""
    picture = await album.db.one(Picture, "select * from album.picture")
    return (await album.client.get(f"/pictures/{picture.id}/file")).body


@only_folder
async def test_options_say_what_is_spoken(album: RunningBackend) -> None:
    got = await album.client.options("/uploads")
    assert got.status == 204
    assert got.headers["tus-resumable"] == "1.0.0"
    assert got.headers["tus-version"] == "1.0.0"
    assert got.headers["tus-max-size"] == str(500 * MIB)
    assert set(got.headers["tus-extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "checksum",
        "expiration",
        "termination",
    }
    assert "sha1" in got.headers["tus-checksum-algorithm"].split(",")


async def test_an_upload_in_one_request_is_kept_as_one_in_several_is(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(LONG), filename="long.bin")
    whole = await upload.append(0, LONG)
    assert (whole.status, whole.headers["upload-offset"]) == (204, str(len(LONG)))
    assert await counts(album) == ONE
    assert await the_file(album) == LONG


async def test_an_upload_that_breaks_off_goes_on_where_it_was(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(LONG))
    await upload.append(0, breaking(LONG[: PART_BYTES + 2 * MIB + 77]))
    assert await upload.offset() == PART_BYTES + 2 * MIB + 77  # also what was no whole part yet
    await upload.append(PART_BYTES + 2 * MIB + 77, breaking(LONG[PART_BYTES + 2 * MIB + 77 : -5]))
    assert await upload.offset() == len(LONG) - 5
    assert (await upload.append(len(LONG) - 5, LONG[-5:])).status == 204
    assert hashlib.sha256(await the_file(album)).digest() == hashlib.sha256(LONG).digest()
    assert await counts(album) == ONE


@only_folder
async def test_a_client_that_goes_after_the_last_byte_has_finished(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(PNG))
    await upload.append(0, breaking(PNG))
    assert await upload.offset() == len(PNG)
    assert await counts(album) == ONE


@only_folder
async def test_bytes_that_belong_elsewhere_are_refused(album: RunningBackend) -> None:
    upload = await Upload.create(album, 10)
    assert (await upload.append(0, b"12345")).status == 204
    for offset in (0, 4, 6):
        assert (await upload.append(offset, b"x")).status == 409
    assert await upload.offset() == 5


async def test_of_several_requests_for_one_stretch_each_byte_is_taken_once(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(LONG))
    replies = await asyncio.gather(*[upload.append(0, LONG) for _ in range(4)])
    statuses = sorted(reply.status for reply in replies)
    assert statuses[0] == 204
    assert set(statuses[1:]) == {409}
    assert await the_file(album) == LONG
    assert await counts(album) == ONE


@only_folder
async def test_the_handler_is_called_once_however_often_the_last_bytes_are_sent(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(PNG))
    replies = await asyncio.gather(*[upload.append(0, PNG) for _ in range(20)])
    assert [reply.status for reply in replies].count(204) == 1
    assert await counts(album) == ONE
    assert len(await stored(album)) == 1


@only_folder
async def test_a_finished_upload_says_so_and_takes_nothing_more(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(PNG))
    await upload.append(0, PNG)
    assert await upload.offset() == len(PNG)
    assert (await upload.append(len(PNG), b"")).status == 204
    assert (await upload.append(len(PNG), b"more")).status == 413
    assert (await upload.remove()).status == 409
    assert await counts(album) == ONE


@only_folder
async def test_what_the_handler_refuses_can_be_sent_again_and_is_not_kept(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(PNG), title="refused")
    assert (await upload.append(0, PNG)).status == 403
    assert await upload.offset() == 0
    assert await stored(album) == []
    assert await counts(album) == {**NOTHING, "uploads": 1}


@only_folder
async def test_head_says_length_offset_and_metadata_and_is_not_stored(album: RunningBackend) -> None:
    upload = await Upload.create(album, 10, filename="a.txt", title="ü")
    shown = await upload.show()
    assert shown.status == 200
    assert shown.headers["upload-offset"] == "0"
    assert shown.headers["upload-length"] == "10"
    assert shown.headers["upload-metadata"] == metadata(filename="a.txt", title="ü")
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["upload-expires"].endswith("GMT")
    assert shown.headers["tus-resumable"] == "1.0.0"


@only_folder
async def test_the_length_may_come_later(album: RunningBackend) -> None:
    upload = await Upload.create(album, None)
    assert (await upload.show()).headers["upload-defer-length"] == "1"
    assert (await upload.append(0, b"hello ")).status == 204
    assert "upload-length" not in (await upload.show()).headers
    assert (await upload.append(6, b"wor", upload_length="11")).status == 204
    assert (await upload.show()).headers["upload-length"] == "11"
    assert (await upload.append(9, b"l", upload_length="12")).status == 400
    assert (await upload.append(9, b"ld")).status == 204
    assert await the_file(album) == b"hello world"


@only_folder
async def test_a_length_that_comes_after_the_last_byte_finishes_the_upload(album: RunningBackend) -> None:
    upload = await Upload.create(album, None)
    await upload.append(0, b"hello")
    assert await counts(album) == {**NOTHING, "uploads": 1}
    assert (await upload.append(5, b"", upload_length="5")).status == 204
    assert await the_file(album) == b"hello"


@only_folder
async def test_an_empty_file_is_finished_by_its_creation(album: RunningBackend) -> None:
    upload = await Upload.create(album, 0)
    assert await upload.offset() == 0
    assert await the_file(album) == b""


@only_folder
async def test_the_first_bytes_may_come_with_the_creation(album: RunningBackend) -> None:
    headers = {**BYTES, "upload-length": "11", "content-length": "6"}
    created = await send(album, "POST", "/uploads", [b"hello "], headers)
    assert (created.status, created.headers["upload-offset"]) == (201, "6")
    upload = Upload(album, created.headers["location"])
    assert (await upload.append(6, b"world")).status == 204
    assert await the_file(album) == b"hello world"


@only_folder
async def test_a_whole_file_may_come_with_the_creation(album: RunningBackend) -> None:
    headers = {**BYTES, "upload-length": "5", "content-length": "5"}
    created = await send(album, "POST", "/uploads", [b"hello"], headers)
    assert (created.status, created.headers["upload-offset"]) == (201, "5")
    assert await the_file(album) == b"hello"


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
@only_folder
async def test_a_checksum_decides_whether_bytes_are_kept(album: RunningBackend, algorithm: str) -> None:
    upload = await Upload.create(album, 10)

    def checksum(content: bytes) -> str:
        return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"

    assert (await upload.append(0, b"12345", upload_checksum=checksum(b"12346"))).status == 460
    assert await upload.offset() == 0
    assert await stored(album) == []
    assert (await upload.append(0, b"12345", upload_checksum=checksum(b"12345"))).status == 204
    assert (await upload.append(5, b"67890", upload_checksum=checksum(b"x"))).status == 460
    assert await counts(album) == {**NOTHING, "uploads": 1}
    assert (await upload.append(5, b"67890", upload_checksum=checksum(b"67890"))).status == 204
    assert await the_file(album) == b"1234567890"


async def test_what_breaks_off_before_it_could_be_checked_is_not_kept(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(LONG))
    digest = base64.b64encode(hashlib.sha1(LONG).digest()).decode()
    await upload.append(0, breaking(LONG[:-1]), upload_checksum=f"sha1 {digest}")
    assert await upload.offset() == 0
    assert await stored(album) == []


@pytest.mark.parametrize("value", ["crc32 AAAA", "sha1 AAAA", "sha1 ???", "sha1", ""])
@only_folder
async def test_what_is_no_checksum_is_a_bad_request(album: RunningBackend, value: str) -> None:
    upload = await Upload.create(album, 10)
    assert (await upload.append(0, b"12345", upload_checksum=value)).status == 400


@only_folder
async def test_a_content_digest_is_checked_as_well(album: RunningBackend) -> None:
    upload = await Upload.create(album, 5)
    digest = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert (await upload.append(0, b"hello", content_digest=f"sha-256=:{digest}:")).status == 400
    assert await upload.offset() == 0


async def test_an_upload_that_is_removed_leaves_nothing(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(LONG))
    await upload.append(0, LONG[: PART_BYTES + 1])
    assert (await upload.remove()).status == 204
    assert (await upload.show()).status == 404
    assert (await upload.append(PART_BYTES + 1, b"x")).status == 404
    assert (await upload.remove()).status == 404
    assert (await counts(album), await stored(album)) == (NOTHING, [])


async def test_an_upload_past_its_time_is_gone_and_its_bytes_are_swept(album: RunningBackend) -> None:
    upload = await Upload.create(album, len(LONG))
    await upload.append(0, LONG[: PART_BYTES + 1])
    album.clock.jump(hours=album.settings.upload_hours)
    assert (await upload.show()).status == 404
    await album.settle()
    assert (await counts(album), await stored(album)) == (NOTHING, [])
    assert await album.db.one(int, "select count(*) from headwater.resumable") == 0


@only_folder
async def test_each_piece_that_arrives_gives_the_upload_more_time(album: RunningBackend) -> None:
    upload = await Upload.create(album, 10)
    for position in range(0, 6, 2):
        album.clock.jump(hours=album.settings.upload_hours - 1)
        await upload.append(position, b"12")
    await album.settle()
    assert (await upload.show()).headers["upload-offset"] == "6"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 412),
        ({"tus-resumable": "0.2.2"}, 412),
        ({**SPOKEN}, 400),
        ({**SPOKEN, "upload-length": "5", "upload-defer-length": "1"}, 400),
        ({**SPOKEN, "upload-defer-length": "2"}, 400),
        ({**SPOKEN, "upload-length": "-1"}, 400),
        ({**SPOKEN, "upload-length": "five"}, 400),
        ({**SPOKEN, "upload-length": str(500 * MIB + 1)}, 413),
        ({**SPOKEN, "upload-length": "5", "upload-metadata": "a ???"}, 400),
        ({**SPOKEN, "upload-length": "5", "upload-metadata": "a YQ==,a YQ=="}, 400),
        ({**SPOKEN, "upload-length": "5", "upload-metadata": "a /w=="}, 400),
    ],
)
@only_folder
async def test_what_cannot_be_created_is_said(album: RunningBackend, headers: dict[str, str], status: int) -> None:
    refused = await album.client.post("/uploads", headers=headers)
    assert refused.status == status, refused.text
    assert refused.headers["tus-resumable"] == "1.0.0"
    if status == 412:
        assert refused.headers["tus-version"] == "1.0.0"
    assert await counts(album) == NOTHING


@only_folder
async def test_bytes_of_another_type_are_no_bytes_of_an_upload(album: RunningBackend) -> None:
    upload = await Upload.create(album, 5)
    assert (await upload.append(0, b"hello", content_type="text/plain")).status == 415
    headers = {**SPOKEN, "upload-length": "5", "content-type": "text/plain", "content-length": "5"}
    assert (await send(album, "POST", "/uploads", [b"hello"], headers)).status == 415


@only_folder
async def test_more_than_was_announced_is_refused(album: RunningBackend) -> None:
    upload = await Upload.create(album, 5)
    assert (await upload.append(0, b"hello!")).status == 413
    assert (
        await send(album, "PATCH", upload.address, [b"hel", b"lo", b"!"], {**BYTES, "upload-offset": "0"})
    ).status == 413
    assert await counts(album) == {**NOTHING, "uploads": 1}


@only_folder
async def test_only_the_types_of_the_route_are_taken(album: RunningBackend) -> None:
    headers = {**SPOKEN, "upload-length": "5", "upload-metadata": metadata(filetype="text/plain")}
    assert (await album.client.post("/images", headers=headers)).status == 415
    liar = await Upload.create(album, 9000, "/images", filetype="image/png")
    assert (await liar.append(0, b"no image " * 1000)).status == 415
    slow_liar = await Upload.create(album, 9, "/images", filetype="image/png")
    for at in range(8):
        assert (await slow_liar.append(at, b"no image."[at : at + 1])).status == 204
    assert (await slow_liar.append(8, b".")).status == 415
    honest = await Upload.create(album, len(PNG), "/images", filetype="image/png")
    assert (await honest.append(0, PNG[:3])).status == 204
    assert (await honest.append(3, PNG[3:])).status == 204
    assert await album.db.all(str, "select title from album.picture") == ["image/png"]


@only_folder
async def test_an_upload_is_not_found_where_it_does_not_belong(album: RunningBackend) -> None:
    upload = await Upload.create(album, 5)
    other = Upload(album, upload.address.replace("/uploads/", "/images/"))
    assert (await other.show()).status == 404
    assert (await other.append(0, b"hello")).status == 404


@only_folder
async def test_a_client_that_can_only_post_says_what_it_means(album: RunningBackend) -> None:
    upload = await Upload.create(album, 5)
    headers = {**BYTES, "upload-offset": "0", "x-http-method-override": "PATCH"}
    assert (await send(album, "POST", upload.address, [b"hel"], headers)).status == 204
    for headers in (SPOKEN, {**SPOKEN, "x-http-method-override": "PUT"}):
        assert (await send(album, "POST", upload.address, [], headers)).status == 422
    removed = await send(album, "POST", upload.address, [], {**SPOKEN, "x-http-method-override": "DELETE"})
    assert removed.status == 204
