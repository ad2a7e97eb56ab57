"""An error: one thing that is wrong with the input of a request."""

import msgspec

from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import INVALID_REQUEST

LIMIT = 100
"""Faults that one problem lists; a large body could otherwise be answered with a far larger one."""


class InputError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"where": "in"}):
    """`pointer` is a JSON pointer into the body as a URI fragment (RFC 6901 section 6): ``#/items/0/sku``.

    An error outside the body names the `parameter` and `where` it is: ``query`` or ``header``.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    where: str | None = None


class Invalid(Exception):
    """A value does not fit; the message says what was expected."""


def invalid_request(errors: list[InputError]) -> Problem:
    """The problem that lists what is wrong, at most `LIMIT` of it."""
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors" if len(errors) <= LIMIT else "too many errors"
    return INVALID_REQUEST.problem(f"The request has {count}.", errors=errors[:LIMIT])
