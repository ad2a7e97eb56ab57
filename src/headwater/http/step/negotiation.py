"""Negotiation: 406 for a client that does not accept the media type of the response.

Errors are sent as problems regardless of Accept.
"""

from collections.abc import Awaitable

from headwater.binding import Services
from headwater.http.message.answer import Answer
from headwater.http.message.media import accept_check
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.step.description import Describe, Description
from headwater.http.step.operation import Operation
from headwater.http.step.step import Stage, Step
from headwater.part import Part


def negotiation() -> Part:
    """Compare the Accept header with the media type of the response."""
    return Part(
        "negotiation",
        Step(
            name="negotiation",
            stage=Stage.NEGOTIATION,
            does="refuses a client that does not accept the media type of the response: 406",
            plan=_plan,
            wrap=_with_accept,
        ),
        Describe(of=lambda operation: Description(statuses=(406,) if operation.rendering.media_type else ())),
    )


def _plan(operation: Operation) -> str | None:
    return operation.rendering.media_type


def _with_accept(call: Call, media_type: str, operation: Operation, services: Services) -> Call:
    check = accept_check(media_type)

    def call_accepted(request: Request) -> Awaitable[Answer]:
        accept = request.fields.get(b"accept")
        if accept is not None:
            check(accept)
        return call(request)

    return call_accepted
