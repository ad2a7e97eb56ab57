"""Objects: bytes under keys, streamed in and out in constant memory, whatever holds them.

What holds for every store:

- `put` is all or nothing: a reader sees the whole object or none. When it returns, the bytes are as durable as the
  store makes them; in a folder, that is on the disk.
- An interrupted `put` of a stream is called off, so that nothing of it stays. Killed in the middle, a bucket keeps an
  unfinished multipart upload, which only a lifecycle rule of the bucket removes. (Uploads of requests are cut into
  objects of their own and do not depend on that; see `headwater.objects.staging`.)
- A key is a path of one or more segments without ``.`` and ``..``.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from time import monotonic
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec

from headwater.commit import Tx
from headwater.objects.errors import KeyInvalid, NoObject, ObjectsError, StoreFull, StoreUnavailable
from headwater.objects.parts import PART_BYTES
from headwater.objects.place import Place
from headwater.observe import Level, Occurrence, report

_CALLING_OFF_SECONDS: Final = 10.0
_TELLING_SECONDS: Final = 10.0
_KEY_BYTES: Final = 1024


class Stat(msgspec.Struct, frozen=True):
    """What is known of an object without reading it; `size` in bytes."""

    key: str
    size: int
    changed: datetime
    etag: str | None = None


class StoreTroubled(Occurrence, frozen=True, kw_only=True):
    """The object storage could not be used, or is full; what was asked of it failed."""

    level: ClassVar[Level] = "error"
    place: str
    reason: str


class Objects:
    """The object storage of a backend. Handlers receive it by naming its type.

    Raises `NoObject`, `KeyInvalid`, `StoreFull` and `StoreUnavailable`, whatever the store is.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._counts: Counter[str] = Counter()
        self._told: float | None = None

    def __repr__(self) -> str:
        return f"Objects({self.place})"

    async def put(self, key: str, content: bytes | AsyncIterable[bytes]) -> int:
        """Store `content` under `key`, in place of what was there; returns its size in bytes."""
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
            async for piece in self._backend.stream(key, start, stop):
                self._counts["bytes_got"] += len(piece)
                yield piece
        except self._backend.foreign as error:
            raise self._translated(error, key) from error

    async def head(self, key: str) -> Stat:
        """What is known of an object; raises `NoObject`."""
        _check(key)
        try:
            return _stat(await self._backend.head(key))
        except self._backend.foreign as error:
            raise self._translated(error, key) from error

    async def delete(self, *keys: str) -> None:
        """Delete objects; those that are not there already are passed over."""
        for key in keys:
            _check(key)
            try:
                await self._backend.delete(key)
            except self._backend.foreign as error:
                ours = self._translated(error, key)
                if not isinstance(ours, NoObject):
                    raise ours from error
            self._counts["deleted"] += 1

    async def delete_below(self, prefix: str) -> None:
        """Delete every object below ``prefix/``, and what an interrupted write has left there."""
        _check(prefix)
        try:
            await self._backend.delete_below(prefix)
        except self._backend.foreign as error:
            raise self._translated(error, prefix) from error

    async def list(self, prefix: str | None = None) -> AsyncIterator[Stat]:
        """Every object below ``prefix/``, or all, in no promised order."""
        if prefix is not None:
            _check(prefix)
        try:
            async for found in self._backend.list(prefix):
                yield _stat(found)
        except self._backend.foreign as error:
            raise self._translated(error, prefix or "") from error

    async def discard(self, tx: Tx, id: UUID) -> None:
        """Give up an object that a command has kept: its bytes go once the transaction has committed.

        Raises `NoObject`, and what the database raises if a row still refers to it.
        """
        from headwater.objects.staging import discard

        if not await discard(tx, id):
            raise NoObject(key=str(id), place=self.place)

    def statistics(self) -> dict[str, Any]:
        """Counts since the start: objects and bytes."""
        names = ("put", "bytes_put", "get", "bytes_got", "deleted", "called_off")
        return {name: self._counts[name] for name in names}

    @cached_property
    def _backend(self) -> Any:
        from headwater.objects.reach import open_store  # obstore is imported by those who store something

        return open_store(self.place)

    async def _put_whole(self, key: str, content: bytes | bytearray | memoryview) -> None:
        try:
            await self._backend.put(key, content)
        except self._backend.foreign as error:
            raise self._translated(error, key) from error

    async def _put_stream(self, key: str, source: AsyncIterator[bytes]) -> int:
        """In one request if it is no longer than a part, which most are; otherwise part by part."""
        head = bytearray()
        async for piece in source:
            head += piece
            if len(head) > PART_BYTES:
                return await self._put_parts(key, bytes(head), source)
        await self._put_whole(key, head)
        return len(head)

    async def _put_parts(self, key: str, head: bytes, source: AsyncIterator[bytes]) -> int:
        feed = _Feed()
        putting = asyncio.ensure_future(self._backend.put_stream(key, feed))
        size = len(head)
        try:
            await feed.give(head, putting)
            async for piece in source:
                size += len(piece)
                await feed.give(piece, putting)
            await feed.give(None, putting)
            await asyncio.shield(putting)
        except BaseException as error:
            await self._call_off(feed, putting)
            if isinstance(error, self._backend.foreign) and putting.done() and error is _failure_of(putting):
                raise self._translated(error, key) from error
            raise
        return size

    async def _call_off(self, feed: "_Feed", putting: "asyncio.Future[Any]") -> None:
        """Let the store undo what it has. It is told by an error of its source; a mere cancellation would leave it."""
        self._counts["called_off"] += 1
        feed.fail()
        with suppress(Exception, asyncio.CancelledError):
            async with asyncio.timeout(_CALLING_OFF_SECONDS):
                await asyncio.shield(putting)
        putting.add_done_callback(_look_at)

    def _translated(self, error: BaseException, key: str) -> ObjectsError:
        from headwater.objects.translate import translate

        ours = translate(error, key, self.place)
        if isinstance(ours, StoreUnavailable | StoreFull):
            self._tell(ours)
        return ours

    def _tell(self, error: ObjectsError) -> None:
        """Clients are told no more than that it does not work; whoever runs it is told why, now and then."""
        now = monotonic()
        if self._told is None or now - self._told > _TELLING_SECONDS:
            self._told = now
            report(StoreTroubled(place=str(self.place), reason=str(error)))


class _CalledOff(Exception):
    """Nothing more will come of this stream."""


class _Feed:
    """Hands pieces from the task that makes them to the store that takes them, one at a time."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes | _CalledOff | None] = asyncio.Queue(1)

    async def give(self, piece: bytes | None, putting: "asyncio.Future[Any]") -> None:
        """Wait until there is room for the piece; None ends the stream. Raises what has ended the putting."""
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
            raise _CalledOff
        self._pieces.put_nowait(piece)

    def fail(self) -> None:
        """Make the store's next look at the stream an error."""
        while not self._pieces.empty():
            self._pieces.get_nowait()
        self._pieces.put_nowait(_CalledOff())

    def __aiter__(self) -> "_Feed":
        return self

    async def __anext__(self) -> bytes:
        piece = await self._pieces.get()
        if piece is None:
            raise StopAsyncIteration
        if isinstance(piece, _CalledOff):
            raise piece
        return piece


def _failure_of(putting: "asyncio.Future[Any]") -> BaseException | None:
    return None if putting.cancelled() else putting.exception()


def _look_at(putting: "asyncio.Future[Any]") -> None:
    """So that an error which nobody waits for any more is not complained about."""
    if not putting.cancelled():
        putting.exception()


def _check(key: str) -> None:
    if not key or len(key.encode()) > _KEY_BYTES:
        raise KeyInvalid(key=key, reason=f"it has 1 to {_KEY_BYTES} bytes")
    if any(segment in ("", ".", "..") for segment in key.split("/")):
        raise KeyInvalid(key=key, reason="a segment is empty, or `.` or `..`")
    if not key.isprintable() or "#" in key or "\\" in key:
        raise KeyInvalid(key=key, reason="a character in it is not printable, or is # or \\")


def _stat(meta: Any) -> Stat:
    return Stat(meta["path"], meta["size"], meta["last_modified"], meta["e_tag"])
