"""How a store is reached: obstore, opened for a place, with what a folder needs on top."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.store import LocalStore, MemoryStore, from_url

from headwater.objects.durable import make_durable, remove_tree
from headwater.objects.errors import PlaceInvalid, StoreUnavailable
from headwater.objects.parts import PART_BYTES
from headwater.objects.place import Place
from headwater.objects.translate import FOREIGN, is_whole_answer

PIECE_BYTES: Final = 256 * 1024
"""How much of an object is read at once."""

_CONCURRENCY: Final = 2
_CLIENT: Final = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=30),
    "timeout": timedelta(days=1),  # of a whole request, and a slow client may take its time over a large object
}
_RETRY: Final = {"max_retries": 3, "retry_timeout": timedelta(seconds=15)}


def open_store(place: Place) -> "Reach":
    """Raises `PlaceInvalid` and `StoreUnavailable`."""
    folder = place.folder
    if folder is not None:
        return _FolderReach(_open_folder(place, folder), folder)
    if place.url.startswith("memory:"):
        return Reach(MemoryStore())
    try:
        return Reach(_open_bucket(place))
    except FOREIGN as error:
        raise PlaceInvalid(url=place.url, reason=str(error).partition("\n")[0]) from error


def _open_folder(place: Place, folder: Path) -> LocalStore:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return LocalStore(folder)
    except FOREIGN as error:
        raise StoreUnavailable(place=place, reason=str(error)) from error


def _open_bucket(place: Place) -> Any:
    config: dict[str, Any] = {}
    if place.url.startswith("s3"):
        given = {
            "endpoint": place.endpoint,
            "region": place.region,
            "access_key_id": place.access_key,
            "secret_access_key": place.secret_key,
        }
        config = {name: value for name, value in given.items() if value is not None}
    plain = (place.endpoint or "").startswith("http://")
    client: Any = {**_CLIENT, "allow_http": True} if plain else _CLIENT
    retry: Any = _RETRY
    return from_url(place.url, config=config or None, client_options=client, retry_config=retry)  # type: ignore[arg-type]


class Reach:
    """obstore's functions on one store; raises what `foreign` names."""

    foreign = FOREIGN

    def __init__(self, store: Any) -> None:
        self._store = store

    async def put(self, key: str, content: bytes | bytearray | memoryview) -> None:
        await obstore.put_async(self._store, key, content, use_multipart=False)

    async def put_stream(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        await obstore.put_async(
            self._store, key, pieces, use_multipart=True, chunk_size=PART_BYTES, max_concurrency=_CONCURRENCY
        )

    async def stream(self, key: str, start: int, stop: int | None) -> AsyncIterator[bytes]:
        if start == 0 and stop is None:
            found = await obstore.get_async(self._store, key)
            skip, left = 0, found.meta["size"]
        else:
            found, skip, left = await self._range(key, start, stop)
        async for piece in found.stream(min_chunk_size=PIECE_BYTES):
            view = memoryview(piece)[skip : skip + left]
            skip = max(0, skip - len(piece))
            left -= len(view)
            if view:
                yield bytes(view)
            if left == 0:
                return

    async def _range(self, key: str, start: int, stop: int | None) -> tuple[Any, int, int]:
        """An answer, how much of it to skip, and how much to take."""
        wanted: Any = {"offset": start} if stop is None else (start, stop)
        try:
            found = await obstore.get_async(self._store, key, options={"range": wanted})
        except FOREIGN as error:
            if not is_whole_answer(error):
                raise
            found = await obstore.get_async(self._store, key)
            end = found.meta["size"] if stop is None else min(stop, found.meta["size"])
            return found, start, max(0, end - start)
        first, last = found.range
        return found, 0, last - first

    async def head(self, key: str) -> Any:
        return await obstore.head_async(self._store, key)

    async def delete(self, key: str) -> None:
        await obstore.delete_async(self._store, key)

    async def delete_below(self, prefix: str) -> None:
        async for found in self.list(prefix):
            await self.delete(found["path"])

    async def list(self, prefix: str | None) -> AsyncIterator[Any]:
        async for chunk in obstore.list(self._store, prefix, chunk_size=1000):
            for found in chunk:
                yield found


class _FolderReach(Reach):
    """A folder: what is put is on the disk when `put` returns."""

    def __init__(self, store: LocalStore, folder: Path) -> None:
        super().__init__(store)
        self._folder = folder

    async def put(self, key: str, content: bytes | bytearray | memoryview) -> None:
        await super().put(key, content)
        await asyncio.to_thread(make_durable, self._folder, key)

    async def put_stream(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        await super().put_stream(key, pieces)
        await asyncio.to_thread(make_durable, self._folder, key)

    async def delete_below(self, prefix: str) -> None:
        await asyncio.to_thread(remove_tree, self._folder / prefix)
