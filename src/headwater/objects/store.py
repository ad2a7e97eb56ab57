"""Objects: bytes under keys, streamed in and out in constant memory, in any store.

What holds for every store:

- `put` is atomic: a reader sees the whole object or none. When it returns, the bytes are as durable as the store makes
  them; in a folder, they are on the disk.
- An interrupted `put` of a stream is aborted and leaves nothing behind. A process that is killed in the middle leaves
  an unfinished multipart upload in a bucket, which only a lifecycle rule of the bucket removes. (Uploads of requests
  are stored in parts and do not depend on that; see `headwater.objects.staging`.)
- A key is a path of one or more segments without ``.`` and ``..``.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from datetime import datetime
from functools import cached_property
from time import monotonic
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec

from headwater.commit import Tx
from headwater.objects.errors import KeyInvalid, NoObject, ObjectsError, StoreFull, StoreUnavailable
from headwater.objects.kept import discard
from headwater.objects.location import Location
from headwater.objects.parts import PART_BYTES
from headwater.observe import Level, Occurrence, report

_ABORT_SECONDS: Final = 10.0
_REPORT_SECONDS: Final = 10.0
_KEY_BYTES: Final = 1024


class Stat(msgspec.Struct, frozen=True):
    """An object's metadata; `size` in bytes."""

    key: str
    size: int
    changed: datetime
    etag: str | None = None


class StoreTroubled(Occurrence, frozen=True, kw_only=True):
    """The object storage is unavailable or full; an operation failed."""

    level: ClassVar[Level] = "error"
    location: str
    reason: str


class Objects:
    """The object storage of a backend. A handler parameter of this type receives it.

    Its methods raise `NoObject`, `KeyInvalid`, `StoreFull` and `StoreUnavailable`.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self._counts: Counter[str] = Counter()
        self._reported_at: float | None = None

    def __repr__(self) -> str:
        return f"Objects({self.location})"

    async def put(self, key: str, content: bytes | AsyncIterable[bytes]) -> int:
        """Store `content` under `key`, replacing what was there; returns its size in bytes."""
        _check(key)
        if isinstance(content, bytes | bytearray | memoryview):
            await self._put_whole(key, content)
            size = len(content)
        else:
            size = await self._put_stream(key, aiter(content))
        self._counts["put"] += 1
        self._counts["bytes_put"] += size
        return size

    async def get(self, key: str) -> bytes:
        """The whole object, in memory."""
        return b"".join([piece async for piece in self.stream(key)])

    async def stream(self, key: str, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to before `stop`, or to the end, piece by piece as they are asked for."""
        _check(key)
        if stop is not None and stop <= start:
            return
        self._counts["get"] += 1
        try:
            async for piece in self._driver.stream(key, start, stop):
                self._counts["bytes_got"] += len(piece)
                yield piece
        except self._driver.foreign as error:
            raise self._translated(error, key) from error

    async def head(self, key: str) -> Stat:
        """An object's metadata; raises `NoObject`."""
        _check(key)
        try:
            return _stat(await self._driver.head(key))
        except self._driver.foreign as error:
            raise self._translated(error, key) from error

    async def delete(self, *keys: str) -> None:
        """Delete objects; keys without an object are ignored."""
        for key in keys:
            _check(key)
            try:
                await self._driver.delete(key)
            except self._driver.foreign as error:
                ours = self._translated(error, key)
                if not isinstance(ours, NoObject):
                    raise ours from error
            self._counts["deleted"] += 1

    async def delete_below(self, prefix: str) -> None:
        """Delete every object below ``prefix/``, and temporary files of interrupted writes."""
        _check(prefix)
        try:
            await self._driver.delete_below(prefix)
        except self._driver.foreign as error:
            raise self._translated(error, prefix) from error

    async def list(self, prefix: str | None = None) -> AsyncIterator[Stat]:
        """Every object below ``prefix/``, or in the whole store; the order is not specified."""
        if prefix is not None:
            _check(prefix)
        try:
            async for found in self._driver.list(prefix):
                yield _stat(found)
        except self._driver.foreign as error:
            raise self._translated(error, prefix or "") from error

    async def discard(self, tx: Tx, id: UUID) -> None:
        """Give up an object that a command has kept; its bytes are deleted after the transaction has committed.

        Raises `NoObject`, or a `DbError` if a row still refers to it.
        """
        if not await discard(tx, id):
            raise NoObject(key=str(id), location=self.location)

    def statistics(self) -> dict[str, Any]:
        """Counts since the start: objects and bytes."""
        names = ("put", "bytes_put", "get", "bytes_got", "deleted", "aborted")
        return {name: self._counts[name] for name in names}

    @cached_property
    def _driver(self) -> Any:
        from headwater.objects.driver import open_store  # obstore is imported only where something is stored

        return open_store(self.location)

    async def _put_whole(self, key: str, content: bytes | bytearray | memoryview) -> None:
        try:
            await self._driver.put(key, content)
        except self._driver.foreign as error:
            raise self._translated(error, key) from error

    async def _put_stream(self, key: str, source: AsyncIterator[bytes]) -> int:
        """In one request if it is not longer than a part, as most are; otherwise as a multipart upload."""
        head = bytearray()
        async for piece in source:
            head += piece
            if len(head) > PART_BYTES:
                return await self._put_parts(key, bytes(head), source)
        await self._put_whole(key, head)
        return len(head)

    async def _put_parts(self, key: str, head: bytes, source: AsyncIterator[bytes]) -> int:
        feed = _Feed()
        putting = asyncio.ensure_future(self._driver.put_stream(key, feed))
        size = len(head)
        try:
            await feed.give(head, putting)
            async for piece in source:
                size += len(piece)
                await feed.give(piece, putting)
            await feed.give(None, putting)
            await asyncio.shield(putting)
        except BaseException as error:
            await self._abort(feed, putting)
            if isinstance(error, self._driver.foreign) and putting.done() and error is _failure_of(putting):
                raise self._translated(error, key) from error
            raise
        return size

    async def _abort(self, feed: "_Feed", putting: "asyncio.Future[Any]") -> None:
        """Make the store delete what it has received. It does so when its source raises, not when it is cancelled."""
        self._counts["aborted"] += 1
        feed.fail()
        putting.add_done_callback(_retrieve_exception)
        await asyncio.wait({putting}, timeout=_ABORT_SECONDS)

    def _translated(self, error: BaseException, key: str) -> ObjectsError:
        from headwater.objects.translate import translate

        ours = translate(error, key, self.location)
        if isinstance(ours, StoreUnavailable | StoreFull):
            self._report(ours)
        return ours

    def _report(self, error: ObjectsError) -> None:
        """Clients see only that the store does not work; the cause goes to the log, at a limited rate."""
        now = monotonic()
        if self._reported_at is None or now - self._reported_at > _REPORT_SECONDS:
            self._reported_at = now
            report(StoreTroubled(location=str(self.location), reason=str(error)))


class _Aborted(Exception):
    """The stream was aborted."""


class _Feed:
    """Passes pieces from the producing task to the store, one at a time."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes | _Aborted | None] = asyncio.Queue(1)

    async def give(self, piece: bytes | None, putting: "asyncio.Future[Any]") -> None:
        """Wait until there is room for the piece; None ends the stream. Raises what made `putting` fail."""
        if not putting.done() and self._pieces.full():
            room = asyncio.ensure_future(self._pieces.put(piece))
            try:
                await asyncio.wait({room, putting}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not room.done():
                    room.cancel()
            if room.done() and not room.cancelled():
                return
        if putting.done():
            putting.result()
            raise _Aborted
        self._pieces.put_nowait(piece)

    def fail(self) -> None:
        """Make the store's next read of the stream raise."""
        while not self._pieces.empty():
            self._pieces.get_nowait()
        self._pieces.put_nowait(_Aborted())

    def __aiter__(self) -> "_Feed":
        return self

    async def __anext__(self) -> bytes:
        piece = await self._pieces.get()
        if piece is None:
            raise StopAsyncIteration
        if isinstance(piece, _Aborted):
            raise piece
        return piece


def _failure_of(putting: "asyncio.Future[Any]") -> BaseException | None:
    return None if putting.cancelled() else putting.exception()


def _retrieve_exception(putting: "asyncio.Future[Any]") -> None:
    """So that asyncio does not warn of an exception that nobody awaits any more."""
    if not putting.cancelled():
        putting.exception()


def _check(key: str) -> None:
    if not key or len(key.encode()) > _KEY_BYTES:
        raise KeyInvalid(key=key, reason=f"it must have 1 to {_KEY_BYTES} bytes")
    if any(segment in ("", ".", "..") for segment in key.split("/")):
        raise KeyInvalid(key=key, reason="a segment must not be empty, `.` or `..`")
    if not key.isprintable() or "#" in key or "\\" in key:
        raise KeyInvalid(key=key, reason="it must not contain `#`, `\\` or a character that is not printable")


def _stat(meta: Any) -> Stat:
    return Stat(meta["path"], meta["size"], meta["last_modified"], meta["e_tag"])
