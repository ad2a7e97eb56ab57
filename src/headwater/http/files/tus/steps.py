"""The steps of a resumable upload, each one request: create, show, append, remove."""

from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol
from uuid import UUID

import msgspec

from headwater.commit import Committer, Origin, OutcomeUnknown, Tx
from headwater.db import DbError
from headwater.http.files.digest import Hashing, expected_of
from headwater.http.files.filename import clean_name
from headwater.http.files.incoming import Incoming, refuse_large, too_large
from headwater.http.files.sniff import SNIFF_BYTES, UNKNOWN, essence_of
from headwater.http.files.tus import state as states
from headwater.http.files.tus.appending import Appending, overtaken
from headwater.http.files.tus.protocol import (
    SPOKEN,
    Checking,
    abilities,
    checksum_of,
    first_of,
    length_of,
    metadata_in,
    number_in,
    offset_of,
    require_content_type,
    require_version,
)
from headwater.http.files.tus.state import UploadState
from headwater.http.files.upload import Rules, Staged, Typing, Upload, keep_upload
from headwater.http.message.answer import Fields
from headwater.http.message.date import write_date
from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import OUTCOME_UNKNOWN
from headwater.http.message.request import Request
from headwater.http.message.response import Response
from headwater.objects import ObjectsError, UploadExpired
from headwater.objects.parts import StoredPart
from headwater.objects.staging import Staging, stream_parts


class Finish(Protocol):
    """The declared handler, with the upload that the request has."""

    def prepared(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Do what comes before the transaction, and clean up behind it."""

    async def run(self, tx: Tx, request: Request) -> None:
        """Do what the transaction is for."""


_NAMES = ("filename", "name")
_TYPES = ("filetype", "type", "content-type", "mimetype")


class Steps:
    """What answers the requests of one declaration; `base` is its path."""

    def __init__(
        self, base: str, rules: Rules, staging: Staging, committer: Committer, app: str, name: str, finish: Finish
    ) -> None:
        self._base = base
        self._rules = rules
        self._staging = staging
        self._execute = committer.execute
        self._app = app
        self._name = name
        self._finish = finish

    async def describe(self, request: Request) -> Response:
        """Say which version and extensions of tus are spoken here."""
        return _answer(204, abilities(self._rules.limit))

    async def create(self, request: Request) -> Response:
        """Begin a resumable upload; its address is in Location."""
        self._begin(request)
        length = length_of(request)
        if length is not None and length > self._rules.limit:
            raise too_large(self._rules.limit)
        metadata = request.headers.get("upload-metadata", "")
        declared = _declared(metadata_in(metadata))
        if declared != UNKNOWN:
            self._rules.check_type(declared)
        brings_bytes = _has_body(request)
        if brings_bytes:
            require_content_type(request)
        state = await states.begin(
            self._staging.db, self._base, _owner(request), length, metadata, self._staging.expiry()
        )
        fields: Fields = [(b"location", f"{request.target.rstrip('/')}/{state.id}".encode("latin-1"))]
        if brings_bytes or length == 0:
            return await self._append(request, state, length, 201, fields)
        return _answer(201, [*fields, *_progress(state, 0)])

    async def show(self, request: Request, upload_id: UUID) -> Response:
        """Say how many bytes of the upload have arrived."""
        self._begin(request)
        state = await self._find(request, upload_id)
        fields: Fields = [*_progress(state, state.position), (b"cache-control", b"no-store")]
        if state.length is None:
            fields.append((b"upload-defer-length", b"1"))
        else:
            fields.append((b"upload-length", b"%d" % state.length))
        if state.metadata:
            fields.append((b"upload-metadata", state.metadata.encode("latin-1")))
        return _answer(200, fields)

    async def append(self, request: Request, upload_id: UUID) -> Response:
        """Add bytes at the end of what has arrived; with the last of them the upload is finished."""
        self._begin(request)
        require_content_type(request)
        offset = offset_of(request)
        state = await self._find(request, upload_id)
        if offset != state.position:
            raise overtaken()
        return await self._append(request, state, self._length(request, state), 204, [])

    async def remove(self, request: Request, upload_id: UUID) -> Response:
        """Give up an upload that is not finished, and what has arrived of it."""
        self._begin(request)
        await self._find(request, upload_id)
        if not await states.forget(self._staging.db, upload_id):
            raise Problem(409, detail="The upload is finished and can no longer be removed here.")
        with suppress(DbError, ObjectsError):  # the sweeper comes for what cannot be deleted now
            await self._staging.drop(upload_id)
        return _answer(204, [])

    async def override(self, request: Request, upload_id: UUID) -> Response:
        """Do what X-HTTP-Method-Override says, for clients that can only POST."""
        steps = {"PATCH": self.append, "HEAD": self.show, "DELETE": self.remove}
        return await steps[request.headers["x-http-method-override"]](request, upload_id)

    def _begin(self, request: Request) -> None:
        request.add(*SPOKEN)
        require_version(request)

    async def _find(self, request: Request, id: UUID) -> UploadState:
        """The state of the client's own upload; another's is as if it were not there."""
        state = await states.find(self._staging.db, id, self._base, _owner(request), self._staging.now())
        if state is None:
            raise Problem(404, detail="There is no such upload, or it has expired.")
        return state

    def _length(self, request: Request, state: UploadState) -> int | None:
        """How long the upload will be: as it was created, or as this request says if that was deferred."""
        length = number_in(request, "Upload-Length")
        if length is None or length == state.length:
            return state.length
        if state.length is not None or length < state.position:
            raise Problem(400, detail="Upload-Length is not the length that this upload has.")
        if length > self._rules.limit:
            raise too_large(self._rules.limit)
        return length

    async def _append(
        self, request: Request, state: UploadState, length: int | None, status: int, fields: Fields
    ) -> Response:
        if state.finished:
            if _has_body(request):
                raise too_large(state.position)
            return _answer(status, [*fields, *_progress(state, state.position)])
        room = (self._rules.limit if length is None else length) - state.position
        refuse_large(request, room)
        checking, expected = Checking(checksum_of(request)), expected_of(request)
        hashing = Hashing(expected)
        appending = Appending(self._staging, state, length, checking, hashing, bool(checking) or bool(expected))
        typing = Typing(self._rules, _declared(metadata_in(state.metadata)))
        try:
            await appending.take(Incoming(request, room), typing.look_early if state.position == 0 else _pass)
            if appending.whole:
                request.state[Staged] = Staged(await self._upload(state, appending, hashing))
                await self._commit(request, state, appending)
        except BaseException:
            with suppress(DbError, ObjectsError):
                await appending.discard()
            raise
        return _answer(status, [*fields, *_progress(state, appending.end, finished=appending.whole)])

    async def _upload(self, state: UploadState, appending: Appending, hashing: Hashing) -> Upload:
        """The upload as the handler receives it."""
        parts, metadata = [*state.parts, *appending.moved, *appending.waiting], metadata_in(state.metadata)
        alone = state.position == 0
        head = appending.head if alone else await self._head(state.id, parts)
        return Upload(
            id=state.id,
            size=appending.end,
            media_type=self._rules.settle(_declared(metadata), head),
            filename=clean_name(first_of(metadata, _NAMES)),
            sha256=hashing.sha256 if alone else None,
            metadata=metadata,
            parts=parts,
        )

    async def _head(self, id: UUID, parts: list[StoredPart]) -> bytes:
        pieces = stream_parts(self._staging.objects, id, parts, 0, SNIFF_BYTES)
        return b"".join([piece async for piece in pieces])

    async def _commit(self, request: Request, state: UploadState, appending: Appending) -> None:
        """Finish the upload, keep it and run the handler, all in one transaction."""

        async def work(tx: Tx) -> None:
            if not await states.finish(tx, state, appending.position, appending.waiting):
                raise overtaken()
            await keep_upload(tx, request)
            await self._finish.run(tx, request)

        try:
            async with self._finish.prepared(request):
                await self._execute(work, Origin(self._app, self._name, _actor(request), request.traceparent))
        except UploadExpired:
            raise Problem(410, detail="The upload has expired.") from None
        except OutcomeUnknown as error:
            appending.waiting = []  # they may well be part of a kept object now
            detail = "The connection was lost while finishing the upload. Send HEAD to get its offset."
            raise OUTCOME_UNKNOWN.problem(detail) from error


def _answer(status: int, fields: Fields) -> Response:
    answer = Response(status=status)
    answer.fields = [*answer.fields, *fields]
    return answer


def _progress(state: UploadState, position: int, *, finished: bool = False) -> Fields:
    fields: Fields = [(b"upload-offset", b"%d" % position)]
    if not (finished or state.finished):
        fields.append((b"upload-expires", write_date(state.expires_at)))
    return fields


def _owner(request: Request) -> str | None:
    """Whose upload it is, None for anybody's."""
    who = request.principal
    return None if who is None else msgspec.json.encode((who.id, who.tenant)).decode()


def _actor(request: Request) -> str | None:
    return request.principal.id if request.principal is not None else None


def _has_body(request: Request) -> bool:
    length = request.fields.get(b"content-length")
    return length not in (None, b"0") or b"transfer-encoding" in request.fields


def _declared(metadata: dict[str, str]) -> str:
    return essence_of(first_of(metadata, _TYPES))


def _pass(head: bytes) -> None:
    """What is not the beginning of the file says nothing about it."""
