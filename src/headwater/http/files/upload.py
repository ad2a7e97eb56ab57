"""An upload: the body of a request as a file, in the object storage before the command's transaction begins.

Commit once: the bytes are stored under a random id that is recorded first; the transaction then keeps that id, together
with the handler's writes. An upload that is not committed leaves nothing: after an error it is deleted at once, after a
crash by the sweeper (see `headwater.objects.staging`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import msgspec

from headwater.binding import Services
from headwater.commit import Tx
from headwater.db import DbError
from headwater.http.files.digest import Hashing, expected_of
from headwater.http.files.filename import name_in
from headwater.http.files.form import FRAME_BYTES, MEDIA_TYPE, File, Form, boundary_of
from headwater.http.files.incoming import Incoming, refuse_large, too_large
from headwater.http.files.options import UploadOption
from headwater.http.files.sniff import SNIFF_BYTES, UNKNOWN, allows, essence_of, settle
from headwater.http.message.answer import Answer
from headwater.http.message.media import encoded
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.route.route import Route
from headwater.http.step.operation import Operation
from headwater.objects import ObjectsError
from headwater.objects.kept import keep
from headwater.objects.parts import PART_BYTES, StoredPart
from headwater.objects.staging import Staging

DEFAULT_LIMIT: Final = 64 * 1024 * 1024
"""Maximum bytes of an upload whose route sets no ``upload_limit``."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A complete file that the transaction of this command keeps.

    `id` is what a row refers to: ``object uuid not null references headwater.object``. `size` is in bytes. `media_type`
    is the type by the bytes and the declaration. `filename` is the last segment of the client's name. `sha256` is None
    for a resumable upload in several requests. `metadata` is that of a resumable upload, or the other fields of a form.
    """

    id: UUID
    size: int
    media_type: str
    filename: str | None = None
    sha256: bytes | None = None
    metadata: dict[str, str] = {}
    parts: list[StoredPart] = []
    """The parts in the object storage, for internal use."""


class Staged(msgspec.Struct):
    """The upload of a request, in the request's state; `kept` once a transaction has kept it."""

    upload: Upload
    kept: bool = False


class Rules(msgspec.Struct, frozen=True):
    """What a route accepts: at most `limit` bytes, of the types in `media_types`, or of any."""

    limit: int
    media_types: tuple[str, ...] = ()

    def check_type(self, media_type: str) -> None:
        """Raise a `Problem` 415 for a type that the route does not accept."""
        if self.media_types and not allows(self.media_types, media_type):
            accepted = ", ".join(self.media_types)
            detail = f"This operation accepts {accepted}, not {media_type}."
            raise Problem(415, detail=detail, headers={"Accept-Post": accepted})

    def settle(self, declared: str, head: bytes) -> str:
        """The type of a file that begins with `head`; raises a `Problem` 415."""
        media_type = settle(declared, head)
        self.check_type(media_type)
        return media_type


def rules_of(route: Route) -> Rules:
    """The rules of a route, with defaults."""
    declared = route.option(UploadOption)
    return Rules(declared.upload_limit or DEFAULT_LIMIT, tuple(declared.media_types))


class Intake:
    """Receives the uploads of one route."""

    def __init__(self, route: Route, staging: Staging) -> None:
        self._rules = rules_of(route)
        self._staging = staging

    async def receive(self, request: Request) -> None:
        """Store the body as the request's upload; on a `Problem` everything stored is deleted."""
        if request.fields.get(b"content-encoding", b"identity").lower() != b"identity":
            raise encoded()
        boundary = boundary_of(request)
        room = self._rules.limit + (FRAME_BYTES if boundary else 0)
        refuse_large(request, room)
        message = Hashing(expected_of(request))
        arriving = _Arriving(self._rules, message, message if boundary is None else Hashing(()))
        if boundary is None:
            arriving.begin(_declared(request))
        id = await self._staging.begin()
        try:
            upload = await self._store(id, Incoming(request, room), boundary, arriving)
        except BaseException:
            await drop(self._staging, id)
            raise
        request.state[Staged] = Staged(upload)
        # The fingerprint of an idempotency key uses this instead of the body; the boundary of a form differs each time.
        request.raw_body = arriving.content.sha256
        if boundary is not None:
            request.raw_body += msgspec.json.encode(sorted(upload.metadata.items()))
            request.fields[b"content-type"] = MEDIA_TYPE.encode()

    async def _store(self, id: UUID, incoming: Incoming, boundary: str | None, arriving: "_Arriving") -> Upload:
        form = Form(boundary, arriving.watched(incoming), arriving.begin) if boundary else None
        file = form.file() if form else aiter(incoming)
        parts = [
            await self._staging.put(id, content, at)
            async for at, content in in_parts(file, arriving.take, arriving.typing.look)
        ]
        arriving.message.check()
        return Upload(
            id=id,
            size=arriving.size,
            media_type=arriving.typing.media_type,
            filename=arriving.filename,
            sha256=arriving.content.sha256,
            metadata=form.fields if form else {},
            parts=parts,
        )


class _Arriving:
    """The state of a file while it arrives. Digests cover the `message`, which in a form is more than its file, the
    `content`."""

    def __init__(self, rules: Rules, message: Hashing, content: Hashing) -> None:
        self._rules = rules
        self.message = message
        self.content = content
        self.typing = Typing(rules, UNKNOWN)
        self.filename: str | None = None
        self.size = 0

    def begin(self, file: File) -> None:
        """Set the declared type and the name; raises a `Problem` 415."""
        if file.media_type != UNKNOWN:
            self._rules.check_type(file.media_type)
        self.typing.media_type, self.filename = file

    async def watched(self, incoming: Incoming) -> AsyncIterator[bytes]:
        """The same pieces, hashed as the message."""
        async for piece in incoming:
            self.message.update(piece)
            yield piece

    def take(self, piece: bytes) -> None:
        """Add a piece of the file; raises a `Problem` 413."""
        self.content.update(piece)
        self.size += len(piece)
        if self.size > self._rules.limit:
            raise too_large(self._rules.limit)


def _declared(request: Request) -> File:
    """The type and the name of a body that is the file itself."""
    name = name_in(request.headers.get("content-disposition", ""))
    return File(essence_of(request.headers.get("content-type")), name)


class Typing:
    """Finds the type of a file while it arrives."""

    def __init__(self, rules: Rules, declared: str) -> None:
        self._rules = rules
        self.media_type = declared

    def look(self, head: bytes) -> None:
        """Determine the type by the first bytes; raises a `Problem` 415."""
        self.media_type = self._rules.settle(self.media_type, head)

    def look_early(self, head: bytes) -> None:
        """The same, but only if there are enough bytes to decide."""
        if len(head) >= SNIFF_BYTES:
            self.look(head)


async def in_parts(
    pieces: AsyncIterator[bytes], take: Callable[[bytes], None], look: Callable[[bytes], None]
) -> AsyncIterator[tuple[int, bytes]]:
    """The bytes in parts for the store, each with its offset.

    `take` is called with every piece, `look` with the first bytes as soon as they have arrived.
    """
    waiting, at, looked = bytearray(), 0, False
    async for piece in pieces:
        take(piece)
        waiting += piece
        if not looked and len(waiting) >= SNIFF_BYTES:
            look(bytes(waiting[:SNIFF_BYTES]))
            looked = True
        while len(waiting) >= PART_BYTES:
            content = bytes(waiting[:PART_BYTES])
            del waiting[:PART_BYTES]
            yield at, content
            at += len(content)
    if not looked:
        look(bytes(waiting))
    if waiting:
        yield at, bytes(waiting)


async def keep_upload(tx: Tx, request: Request) -> None:
    """Make the request's upload an object of the transaction; raises `UploadExpired`."""
    staged: Staged = request.state[Staged]
    upload, staged.kept = staged.upload, True
    await keep(
        tx,
        upload.id,
        upload.parts,
        size=upload.size,
        media_type=upload.media_type,
        sha256=upload.sha256,
        filename=upload.filename,
    )


def with_upload(call: Call, plan: Any, operation: Operation, services: Services) -> Call:
    """The call that deletes an uncommitted upload when the request has ended."""
    staging = services[Staging]

    async def call_and_tidy(request: Request) -> Answer:
        try:
            answer = await call(request)
        except BaseException:
            if (staged := request.state.get(Staged)) is not None:
                await drop(staging, staged.upload.id)
            raise
        staged = request.state.get(Staged)
        if staged is not None and not (staged.kept and answer.status < 400):  # refused, or a replay
            await drop(staging, staged.upload.id)
        return answer

    return call_and_tidy


async def drop(staging: Staging, id: UUID) -> None:
    """Delete an upload that is not kept; if that fails, the sweeper does it later."""
    with suppress(DbError, ObjectsError):
        await _to_its_end(staging.drop(id))


async def _to_its_end(work: Awaitable[Any]) -> None:
    """Wait for it even if cancelled; it is short."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
