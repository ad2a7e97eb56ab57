"""A deadline: how long a request may take, by its route and by its client's Request-Timeout.

A client sends ``Request-Timeout``, the seconds that it will wait. The name is from draft-thomson-hybi-http-timeout-00,
with fractions as in a structured field (RFC 9651 section 3.3.2). The alternatives: ``X-`` is deprecated (RFC 6648),
``grpc-timeout`` belongs to another protocol, and ``Prefer: wait`` (RFC 7240 section 4.3) has whole seconds and is
ignored where it is malformed, so a client could rely on a deadline that is not enforced. A client can only shorten the
route's deadline.
"""

import re
from math import inf, isfinite
from typing import Final

from headwater.http.load.options import LoadOption
from headwater.http.message.request import Request
from headwater.http.route.route import refuse_option
from headwater.http.step.operation import Endless, Operation
from headwater.http.types.inputerror import InputError, invalid_request

HEADER: Final = b"request-timeout"
DEFAULT_SECONDS: Final = 60.0

_SECONDS: Final = re.compile(rb"[0-9]{1,12}(?:\.[0-9]{1,3})?")


def deadline_of(operation: Operation, default: float) -> float:
    """Seconds for a request of the operation, 0 for no deadline.

    Uploads and vital routes have none unless their route sets one.
    """
    declared = operation.option(LoadOption)
    if declared.deadline is not None:
        return float(declared.deadline)
    received = any(each.receives is not None for each in operation.inputs)
    return 0.0 if received or declared.vital or operation.fact(Endless) is not None else default


def check_deadline(operation: Operation) -> None:
    """Raise `OptionInvalid` for a deadline that is not a number of seconds."""
    seconds = operation.option(LoadOption).deadline
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not (isfinite(seconds) and seconds >= 0):
        refuse_option(operation.route, f"deadline={seconds!r}", "it must be a number of seconds, or 0 for none")


def seconds_of(request: Request, allowed: float) -> float:
    """Seconds that a request has: `allowed`, or less if its client sends Request-Timeout; 0 for no deadline.

    Raises a `Problem` 422 for a Request-Timeout that is not a positive number of seconds.
    """
    header = request.fields.get(HEADER)
    if header is None:
        return allowed
    text = header.strip(b" \t")
    asked = float(text) if _SECONDS.fullmatch(text) and request.count(HEADER) == 1 else 0.0
    if asked == 0:
        error = InputError(
            detail="Expected a number of seconds, such as 2.5", parameter="Request-Timeout", where="header"
        )
        raise invalid_request([error])
    return min(asked, allowed or inf)
