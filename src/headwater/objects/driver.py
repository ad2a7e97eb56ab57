"""The driver: obstore, opened for a location, with the fsync that a folder needs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.store import LocalStore, MemoryStore, from_url

from headwater.objects.durable import make_durable, remove_tree
from headwater.objects.errors import LocationInvalid, StoreUnavailable
from headwater.objects.location import Location
from headwater.objects.parts import PART_BYTES
from headwater.objects.translate import FOREIGN, is_whole_answer

PIECE_BYTES: Final = 256 * 1024
"""How many bytes of an object are read at once."""

_CONCURRENCY: Final = 2
_CLIENT: Final = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=30),
    "timeout": timedelta(days=1),  # of a whole request: a slow client may take long over a large object
}
_RETRY: Final = {"max_retries": 3, "retry_timeout": timedelta(seconds=15)}


def open_store(location: Location) -> "Driver":
    """Raises `LocationInvalid` and `StoreUnavailable`."""
    folder = location.folder
    if folder is not None:
        return _FolderDriver(_open_folder(location, folder), folder)
    if location.url.startswith("memory:"):
        return Driver(MemoryStore())
    try:
        return Driver(_open_bucket(location))
    except FOREIGN as error:
        raise LocationInvalid(url=location.url, reason=str(error).partition("\n")[0]) from error


def _open_folder(location: Location, folder: Path) -> LocalStore:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return LocalStore(folder)
    except FOREIGN as error:
        raise StoreUnavailable(location=location, reason=str(error)) from error


def _open_bucket(location: Location) -> Any:
    config: dict[str, Any] = {}
    if location.url.startswith("s3"):
        given = {
            "endpoint": location.endpoint,
            "region": location.region,
            "access_key_id": location.access_key,
            "secret_access_key": location.secret_key,
        }
        config = {name: value for name, value in given.items() if value is not None}
    plain = (location.endpoint or "").startswith("http://")
    client: Any = {**_CLIENT, "allow_http": True} if plain else _CLIENT
    retry: Any = _RETRY
    return from_url(location.url, config=config or None, client_options=client, retry_config=retry)  # type: ignore[arg-type]


class Driver:
    """obstore's functions on one store; raises the errors in `foreign`."""

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
        """A response, how many of its bytes to skip, and how many to take."""
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


class _FolderDriver(Driver):
    """A folder: an object is on the disk when `put` returns."""

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
