"""Transmission: sends responses that are empty, streamed, or the last on their connection."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from headwater.http.browser.headers import Security
from headwater.http.compression import PackedStream
from headwater.http.load.guard import Guard
from headwater.http.load.watch import Watch
from headwater.http.message.answer import CLOSE, Answer, Fields, Stream
from headwater.http.message.body import ClientGone
from headwater.http.message.problem import write_problem
from headwater.http.message.problemtype import MALFORMED_BODY
from headwater.http.message.request import Request
from headwater.http.route.errors import HttpError
from headwater.http.serving.meter import Metered
from headwater.http.serving.recovery import Recovery

Send = Callable[[Any], Awaitable[None]]

LAST: Final = (408, 413)
"""Statuses after which the rest of a request body may still arrive, so the connection must be closed."""

_RECORD_SECONDS: Final = 1.0
_WITHOUT_LENGTH: Final = (204, 304)


class StreamBroken(HttpError):
    """The stream of {route} was aborted (request {request_id}); its cause has been logged."""


class ClientUnread(ClientGone):
    """The client does not receive the response."""


class Transmission:
    """Sends the responses of an application. A client has `seconds` to receive a piece; while `draining`, connections
    are closed."""

    def __init__(self, seconds: float, security: Security, watch: Watch, guard: Guard, recovery: Recovery) -> None:
        self.draining = False
        self._seconds = seconds
        self._security = security
        self._watch = watch
        self._guard = guard
        self._recovery = recovery

    async def send_broken(self, request: Request, send: Send, beside: Fields) -> None:
        """Respond to a body that ended early on an open connection, for example because its chunks are malformed."""
        problem = MALFORMED_BODY.problem("The body ended prematurely.")
        answer = write_problem(problem, request.id, request.target)
        length = (b"content-length", b"%d" % len(answer.body))
        own = (length, (b"x-request-id", request.id.encode()), CLOSE)
        fields = [*answer.fields, *beside, *(request.added or ()), *own]
        with suppress(Exception):  # most often the client has disconnected, which servers report in different ways
            await send({"type": "http.response.start", "status": answer.status, "headers": fields})
            await send({"type": "http.response.body", "body": answer.body})

    async def send(self, answer: Answer, request: Request, send: Send, endpoint: Metered) -> int:
        """Send a response that is empty, streamed, for HEAD, or the last on its connection; returns the bytes of the
        body."""
        request_id = (b"x-request-id", request.id.encode())
        fields: Fields = [*answer.fields, request_id, *endpoint.fields, *(request.added or ())]
        if endpoint.overridable:
            fields = self._security.settle(fields)
        if (self.draining or answer.status in LAST) and request.keeps_connection:
            fields.append(CLOSE)
        if answer.stream is None and answer.status not in _WITHOUT_LENGTH:
            fields.append((b"content-length", b"%d" % len(answer.body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        if request.method == "HEAD" or answer.stream is None:
            body = b"" if request.method == "HEAD" else answer.body
            await send({"type": "http.response.body", "body": body})
            return len(body)
        announced = any(name == b"content-length" for name, _ in answer.fields)
        return await self._send_stream(answer.stream, request, send, endpoint, announced)

    async def _send_stream(
        self, stream: Stream, request: Request, send: Send, endpoint: Metered, announced: bool
    ) -> int:
        """Send piece by piece. An error is written as one more line, and then the transfer is aborted."""
        size, seconds = 0, self._seconds

        async def write(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            try:
                async with asyncio.timeout(seconds):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TimeoutError:
                raise ClientUnread from None

        if request in self._watch.running:
            self._watch.answered(request)
            request.task = asyncio.current_task()
        self._guard.flow(1)
        try:
            await stream(write)
        except ClientUnread:
            raise
        except Exception as error:
            record = self._recovery.answer(error, request, endpoint).body + b"\n"
            if isinstance(stream, PackedStream):
                record = stream.pack(record)
            if not announced:  # with a Content-Length the client sees that bytes are missing
                with suppress(TimeoutError):  # the client may have failed
                    async with asyncio.timeout(_RECORD_SECONDS):
                        await write(record)
            raise StreamBroken(route=endpoint.label, request_id=request.id) from error
        finally:
            self._guard.flow(-1)
        await send({"type": "http.response.body", "body": b""})
        return size
