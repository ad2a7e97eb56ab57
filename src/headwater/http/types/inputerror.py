"""An input error: one error in the input of a request."""

import msgspec

from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import INVALID_REQUEST

LIMIT = 100
"""Maximum errors that one problem lists; otherwise the response to a large body could be far larger."""


class InputError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"where": "in"}):
    """`pointer` is a JSON pointer into the body as a URI fragment (RFC 6901 section 6): ``#/items/0/sku``.

    An error outside the body has the `parameter` and `where` it is: ``query`` or ``header``.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    where: str | None = None


class Invalid(Exception):
    """A value is invalid; the message says what was expected."""


def invalid_request(errors: list[InputError]) -> Problem:
    """The problem that lists the errors, at most `LIMIT`."""
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors" if len(errors) <= LIMIT else "too many errors"
    return INVALID_REQUEST.problem(f"The request has {count}.", errors=errors[:LIMIT])
