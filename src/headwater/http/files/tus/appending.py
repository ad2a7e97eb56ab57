"""Appending: the body of one request on its way to the end of an upload.

Each full part is stored and then recorded, so received bytes stay, however the request ends: if the client disconnects,
the incomplete last part is stored, too. With a checksum nothing is recorded before all bytes are checked. The last part
of the upload is recorded in the transaction that finishes it, so an upload is never complete without being committed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from headwater.http.files.digest import Hashing
from headwater.http.files.incoming import Incoming
from headwater.http.files.sniff import SNIFF_BYTES
from headwater.http.files.tus.protocol import Checking
from headwater.http.files.tus.state import UploadState, append
from headwater.http.files.upload import in_parts
from headwater.http.message.body import BodyBroken
from headwater.http.message.problem import Problem
from headwater.objects.parts import StoredPart, size_of
from headwater.objects.staging import Staging


class Appending:
    """One request's bytes, from the position in `state` on; `length` is what the whole upload will have, if known."""

    def __init__(
        self,
        staging: Staging,
        state: UploadState,
        length: int | None,
        checking: Checking,
        hashing: Hashing,
        strict: bool,
    ) -> None:
        self._staging = staging
        self._state = state
        self._length = length
        self._checking = checking
        self._hashing = hashing
        self._strict = strict
        self.position = state.position
        """The position up to which bytes are durable and recorded."""
        self.moved: list[StoredPart] = []
        """The recorded parts of this request."""
        self.waiting: list[StoredPart] = []
        """Parts that are in the store and not recorded yet."""
        self.head = b""
        """The first bytes of this request."""

    @property
    def end(self) -> int:
        """The position once the waiting parts have been recorded."""
        return self.position + size_of(self.waiting)

    @property
    def whole(self) -> bool:
        """Whether that is the whole upload."""
        return self.end == self._length

    async def take(self, incoming: Incoming, look: Callable[[bytes], None]) -> None:
        """Store the body; raises what ends it early, after the received bytes have been recorded."""
        pieces = _Pieces(aiter(incoming))
        async for _, content in in_parts(pieces, self._see, look):
            self.waiting.append(await self._staging.put(self._state.id, content, self.end))
            if not self._strict and not self.whole:
                await self.move()
        if pieces.error is None:
            self._check()
        elif self._strict:
            raise pieces.error
        if not self.whole:
            await self.move()
            if pieces.error is not None:
                raise pieces.error

    async def move(self) -> None:
        """Record the waiting parts; raises a `Problem` 409 if another request was faster."""
        if not self.waiting and self._length == self._state.length:
            return
        expiry = self._staging.expiry()
        moved = await append(self._staging.db, self._state, self.position, self.waiting, self._length, expiry)
        if not moved:
            raise overtaken()
        self.position, self.moved, self.waiting = self.end, [*self.moved, *self.waiting], []

    async def discard(self) -> None:
        """Delete the parts that were not recorded from the store."""
        for part in self.waiting:
            await asyncio.shield(self._staging.remove(self._state.id, part))

    def _see(self, piece: bytes) -> None:
        if len(self.head) < SNIFF_BYTES:
            self.head += piece[: SNIFF_BYTES - len(self.head)]
        self._hashing.update(piece)
        self._checking.update(piece)

    def _check(self) -> None:
        self._checking.check()
        self._hashing.check()


class _Pieces:
    """Pieces that end where the body breaks off; `error` then says why: its client is gone, or too slow."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self.error: Exception | None = None

    def __aiter__(self) -> "_Pieces":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._pieces)
        except BodyBroken as error:
            self.error = error
        except Problem as error:
            if error.status != 408:
                raise
            self.error = error
        raise StopAsyncIteration


def overtaken() -> Problem:
    """The problem of bytes that belong where others already are."""
    return Problem(409, detail="Upload-Offset is not the current offset of the upload. Send HEAD to get it.")
