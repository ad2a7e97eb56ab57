"""An outage: the response to requests in development while the code cannot be loaded."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from headwater.http.message.problem import write_problem
from headwater.http.message.problemtype import NOT_READY
from headwater.http.message.tracing import new_id

RETRY_SECONDS: Final = 1
"""Changed code is served after about so long."""


class OutageApp:
    """An ASGI application that responds to every request with 503 and the reason why the backend cannot be loaded.

    The reason names files and lines; in development the client is the author of the code. The connection is closed
    after the response, because the next process serves the next request.
    """

    def __init__(self, error: Exception) -> None:
        self._problem = NOT_READY.problem(
            f"The backend could not be loaded, and is reloaded when a file changes. {_reason(error)}",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )

    async def __call__(
        self, scope: Mapping[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])  # how an ASGI application declines other scopes
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
        """Nothing to do: each response closes its connection."""

    async def drain(self) -> None:
        """Nothing to do: responses do not wait."""


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
