"""What every store does alike: one suite for a folder and for a bucket."""

import asyncio
import os
import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.request import urlopen

import pytest

from headwater.objects import (
    AccessRefused,
    BucketMissing,
    KeyInvalid,
    Location,
    NoObject,
    Objects,
    StoreFull,
    StoreUnavailable,
)
from headwater.objects.doctor import examine_objects
from headwater.objects.parts import PART_BYTES
from headwater.objects.store import StoreTroubled
from headwater.observe import subscribe
from headwater.settings import Settings
from headwater.testing import eventually
from tests.integration.objects.bucket import Bucket, serving_bucket

MIB = 1024 * 1024


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def keys(objects: Objects, prefix: str | None = None) -> list[str]:
    return sorted([found.key async for found in objects.list(prefix)])


async def test_what_is_put_is_got_back(objects: Objects) -> None:
    assert await objects.put("a/b.txt", b"hello") == 5
    assert await objects.get("a/b.txt") == b"hello"


async def test_a_put_replaces_what_was_there(objects: Objects) -> None:
    await objects.put("a", b"first")
    await objects.put("a", pieces(b"sec", b"ond"))
    assert await objects.get("a") == b"second"


async def test_an_object_may_be_empty(objects: Objects) -> None:
    assert await objects.put("empty", pieces()) == 0
    assert await objects.get("empty") == b""
    assert [piece async for piece in objects.stream("empty", 0, 0)] == []


async def test_a_stream_longer_than_a_part_is_stored_whole(objects: Objects) -> None:
    content = [bytes([number]) * MIB for number in range(20)]
    assert await objects.put("long", pieces(*content)) == 20 * MIB
    digest = sha256()
    async for piece in objects.stream("long"):
        digest.update(piece)
    assert digest.digest() == sha256(b"".join(content)).digest()


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (3, 7), (0, None), (9, None), (4, 4), (0, 10), (5, 99)])
async def test_a_range_is_what_lies_between(objects: Objects, start: int, stop: int | None) -> None:
    await objects.put("digits", b"0123456789")
    assert b"".join([piece async for piece in objects.stream("digits", start, stop)]) == b"0123456789"[start:stop]


async def test_a_range_in_the_middle_of_a_large_object_is_found(objects: Objects) -> None:
    await objects.put("large", pieces(*[bytes([number]) * MIB for number in range(12)]))
    found = b"".join([piece async for piece in objects.stream("large", 10 * MIB - 2, 10 * MIB + 2)])
    assert found == bytes([9, 9, 10, 10])


async def test_head_says_size_and_time(objects: Objects) -> None:
    await objects.put("a", b"hello")
    found = await objects.head("a")
    assert (found.key, found.size) == ("a", 5)
    assert found.changed.tzinfo is not None


async def test_what_is_not_there_is_an_error_of_its_own(objects: Objects) -> None:
    for asking in (objects.get("none"), objects.head("none")):
        with pytest.raises(NoObject, match="There is no object 'none' in"):
            await asking


async def test_deleting_what_is_gone_already_is_no_error(objects: Objects) -> None:
    await objects.put("a", b"hello")
    await objects.delete("a", "a", "never")
    assert await keys(objects) == []


async def test_listing_finds_what_lies_below_a_prefix(objects: Objects) -> None:
    for key in ("x/1", "x/y/2", "xy/3"):
        await objects.put(key, b".")
    assert await keys(objects, "x") == ["x/1", "x/y/2"]
    assert await keys(objects) == ["x/1", "x/y/2", "xy/3"]


async def test_deleting_below_a_prefix_leaves_its_neighbours(objects: Objects) -> None:
    for key in ("x/1", "x/y/2", "xy/3"):
        await objects.put(key, b".")
    await objects.delete_below("x")
    await objects.delete_below("x")
    assert await keys(objects) == ["xy/3"]


@pytest.mark.parametrize("key", ["", "/", "a//b", "../a", "a/..", "a\nb", "a#1", "x" * 1025])
async def test_what_is_no_key_is_refused(objects: Objects, key: str) -> None:
    for asking in (objects.put(key, b""), objects.get(key), objects.delete(key), objects.delete_below(key)):
        with pytest.raises(KeyInvalid):
            await asking


@pytest.mark.parametrize("length", [1, PART_BYTES, 3 * PART_BYTES])
async def test_a_stream_that_breaks_leaves_nothing(objects: Objects, length: int) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(0, length, MIB):
            yield bytes(min(length, MIB))
        raise EOFError("the client is gone")

    with pytest.raises(EOFError):
        await objects.put("broken", breaking())
    assert await keys(objects) == []


async def test_a_put_that_is_cancelled_leaves_nothing(objects: Objects) -> None:
    under_way = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for number in range(64):
            if number == 24:
                under_way.set()
                await asyncio.Event().wait()
            yield bytes(MIB)

    putting = asyncio.create_task(objects.put("cancelled", endless()))
    await under_way.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert await keys(objects) == []
    assert objects.statistics()["aborted"] == 1


@pytest.mark.parametrize("objects", ["folder", "bucket"], indirect=True)  # the proxy of the third is in this process
async def test_memory_stays_bounded_while_a_large_object_goes_in_and_out(objects: Objects) -> None:
    async def many() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield bytes(MIB)

    await objects.put("warm", pieces(bytes(20 * MIB)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await objects.put("large", many())
    size = 0
    async for piece in objects.stream("large"):
        size += len(piece)
    assert size == 200 * MIB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 80 * 1024


async def test_a_folder_has_nothing_beside_its_objects(tmp_path: Path) -> None:
    objects = Objects(Location(url=f"file://{tmp_path}/objects"))
    await objects.put("a/b", b"hello")
    assert (tmp_path / "objects" / "a" / "b").read_bytes() == b"hello"
    await objects.delete_below("a")
    assert list((tmp_path / "objects").iterdir()) == []


@pytest.mark.parametrize("content", [b"hello", bytes(PART_BYTES + 1)])
async def test_in_a_folder_the_file_and_every_name_on_the_way_to_it_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    await Objects(Location(url=f"file://{tmp_path}/objects")).put("a/b/c", pieces(content))
    assert synced == [f"{tmp_path}/objects{below}" for below in ("/a/b/c", "/a/b", "/a", "")]


async def test_a_missing_bucket_is_named(bucket: Bucket) -> None:
    objects = Objects(bucket.location(url="s3://nowhere/below"))
    for asking in (objects.put("a", b""), objects.get("a"), objects.head("a")):
        with pytest.raises((BucketMissing, NoObject)) as raised:
            await asking
        assert "s3://nowhere/below" in str(raised.value)


async def test_wrong_credentials_are_told_apart_from_an_outage(bucket: Bucket) -> None:
    told: list[object] = []
    unsubscribe = subscribe(told.append)
    objects = Objects(bucket.location(secret_key="wrong"))
    for _ in range(3):
        with pytest.raises(AccessRefused, match="refuses these credentials"):
            await objects.put("a", b"")
    unsubscribe()
    assert [each.location for each in told if isinstance(each, StoreTroubled)] == ["s3://files/below"]


async def test_credentials_may_be_those_of_the_environment(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    objects = Objects(Location(url="s3://files/environment", endpoint=bucket.endpoint))
    await objects.put("a", b"hello")
    assert await objects.get("a") == b"hello"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 20 MiB; only root may mount one."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


async def test_a_full_disk_is_told_and_nothing_of_what_did_not_fit_stays(small_disk: Path) -> None:
    objects = Objects(Location(url=f"file://{small_disk}"))
    await objects.put("small", b"hello")
    with pytest.raises(StoreFull, match="is full"):
        await objects.put("large", pieces(*[bytes(MIB)] * 40))
    with pytest.raises(StoreFull, match="is full"):
        await objects.put("whole", bytes(40 * MIB))
    assert await keys(objects) == ["small"]
    assert os.listdir(small_disk) == ["small"]
    # What the store had open is closed by a thread of its own, and only then the disk has the room again.
    await eventually(
        lambda: os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize, lambda free: free > 15 * MIB
    )
    await objects.put("other", bytes(10 * MIB))


async def test_a_stream_that_breaks_leaves_no_unfinished_upload_in_a_bucket() -> None:
    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(24):
            yield bytes(MIB)
        raise EOFError

    with serving_bucket(open_to_all=True) as bucket:
        with pytest.raises(EOFError):
            await Objects(bucket.location()).put("broken", breaking())
        listed = await asyncio.to_thread(urlopen, f"{bucket.endpoint}/files?uploads")
        with listed:
            assert b"<UploadId>" not in listed.read()


async def test_a_store_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    location = Location(url="s3://files", endpoint="http://127.0.0.1:1", region="x", access_key="a", secret_key="b")
    with pytest.raises(StoreUnavailable, match="s3://files cannot be used"):
        await Objects(location).put("a", b"")


async def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        await Objects(Location(url=f"file://{tmp_path}/file/objects")).put("a", b"")


async def test_the_doctor_writes_and_reads(bucket: Bucket, tmp_path: Path) -> None:
    for settings in (Settings(home=tmp_path), bucket.settings()):
        finding = await examine_objects(settings)
        assert finding.ok, finding
        assert await keys(Objects(bucket.location(url="s3://files/doctor"))) == []


async def test_the_doctor_says_what_is_wrong_and_what_mends_it(bucket: Bucket) -> None:
    missing = await examine_objects(bucket.settings(objects_url="s3://nowhere"))
    assert missing.remedy == "aws s3api create-bucket --bucket nowhere"
    refused = await examine_objects(bucket.settings(objects_secret_key="wrong"))
    assert "HEADWATER_OBJECTS_SECRET_KEY" in (refused.remedy or "")
    invalid = await examine_objects(Settings(objects_url="ftp://x"))
    assert "its scheme must be one of" in invalid.found
