"""A process killed with SIGKILL between any two steps of an upload leaves a kept file, or nothing but what is swept."""

from contextlib import AbstractAsyncContextManager

import pytest

from headwater.objects import location_of
from headwater.testing.running import RunningBackend
from tests.integration.files.album import Picture
from tests.integration.files.sending import NOTHING, ONE, counts, stored
from tests.integration.files.tus import Upload
from tests.integration.files.victim import CONTENT, write_settings
from tests.integration.victims import Victim, started

only_folder = pytest.mark.parametrize("store", ["folder"], indirect=True)


def victim(album: RunningBackend, *arguments: str) -> AbstractAsyncContextManager[Victim]:
    return started("tests.integration.files.victim", write_settings(album.settings), *arguments)


async def sweep_everything(album: RunningBackend) -> None:
    """A day passes."""
    album.clock.jump(days=1)
    await album.settle()


async def the_file(album: RunningBackend) -> bytes:
    picture = await album.db.one(Picture, "select * from album.picture")
    return (await album.client.get(f"/pictures/{picture.id}/file")).body


STEPS = [
    ("before begin", 1),
    ("after begin", 1),
    ("after put", 1),
    ("after put", 3),
    ("before keep", 1),
    ("after keep", 1),
    ("before commit", 1),
    ("after commit", 1),
    ("answered 200", 1),
]


@pytest.mark.parametrize(("point", "times"), STEPS)
@only_folder
async def test_an_upload_killed_at_any_step_is_kept_whole_or_not_at_all(
    album: RunningBackend, point: str, times: int
) -> None:
    async with victim(album, "plain") as process:
        await process.run_to(point, times)
        await process.kill()
    committed = point in ("after commit", "answered 200")
    assert (await counts(album))["objects"] == committed
    await sweep_everything(album)
    assert await counts(album) == (ONE if committed else NOTHING)
    assert len(await stored(album)) == (3 if committed else 0)
    if committed:
        assert await the_file(album) == CONTENT


@pytest.mark.parametrize(
    ("point", "times", "offset"),
    [
        ("before put", 1, 0),
        ("after put", 1, 0),
        ("after append", 1, 8 << 20),
        ("after put", 2, 8 << 20),
        ("after append", 2, 16 << 20),
        ("after put", 3, 16 << 20),
        ("after keep", 1, 16 << 20),
        ("before commit", 1, 16 << 20),
        ("after commit", 1, 20 << 20),
        ("answered 204", 1, 20 << 20),
    ],
)
@only_folder
async def test_a_resumable_upload_killed_at_any_step_goes_on_elsewhere(
    album: RunningBackend, point: str, times: int, offset: int
) -> None:
    upload = await Upload.create(album, len(CONTENT))
    async with victim(album, "tus", upload.address, "0") as process:
        await process.run_to(point, times)
        await process.kill()
    assert await upload.offset() == offset
    assert (await upload.append(offset, CONTENT[offset:])).status == 204
    assert await the_file(album) == CONTENT
    await sweep_everything(album)
    assert await counts(album) == ONE


@only_folder
async def test_what_a_killed_write_leaves_in_a_folder_is_swept_as_well(album: RunningBackend) -> None:
    upload = await Upload.create(album, 100)
    await upload.append(0, b"x" * 50)
    store = location_of(album.settings).folder
    assert store is not None
    for folder in store.glob("uploads/*/*"):
        (folder / "50-abcdef#1").write_bytes(b"the part that was being written")
    await sweep_everything(album)
    assert list(store.glob("uploads/*/*")) == []
    assert await stored(album) == []
