"""An outage: what requests are answered in development while the code does not load."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from headwater.http.message.problem import write_problem
from headwater.http.message.problemtype import NOT_READY
from headwater.http.message.tracing import new_id

RETRY_SECONDS: Final = 1
"""A change of a file is served after about so long."""


class OutageApp:
    """An ASGI application that answers every request with 503 and why the backend could not be loaded.

    The reason names files and lines, which is right where whoever asks is who writes the code. The connection ends
    with the answer: the next process has its own.
    """

    def __init__(self, error: Exception) -> None:
        self._problem = NOT_READY.problem(
            f"The backend could not be loaded, and is tried again when a file changes. {_reason(error)}",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )

    async def __call__(
        self, scope: Mapping[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])  # how an application says that it does not know these
        request_id = new_id()
        answer = write_problem(self._problem, request_id, quote(scope["path"]))
        fields = [
            *answer.fields,
            (b"content-length", b"%d" % len(answer.body)),
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    def leave(self) -> None:
        """Nothing is asked of it again: each answer ends its connection."""

    async def drain(self) -> None:
        """An answer waits for nothing."""


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
