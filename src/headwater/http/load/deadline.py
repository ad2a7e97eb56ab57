"""A deadline: how long a request may take, by its route and by what its client is going to wait for.

A client says by ``Request-Timeout`` how many seconds it will wait. The name is that of
draft-thomson-hybi-http-timeout-00, with fractions as a structured field has them (RFC 9651 section 3.3.2). Why that
one: ``X-`` has been deprecated (RFC 6648), ``grpc-timeout`` belongs to another protocol, and ``Prefer: wait`` (RFC 7240
section 4.3) counts whole seconds and is to be ignored where it cannot be read, so that a client could believe in a
deadline that nobody keeps. A client can only ask for less than the route allows.
"""

import re
from math import inf, isfinite
from typing import Final

from headwater.http.message.request import Request
from headwater.http.route.route import Route, refuse_option
from headwater.http.types.fault import Fault, invalid_request

HEADER: Final = b"request-timeout"
DEFAULT_SECONDS: Final = 60.0

_SECONDS: Final = re.compile(rb"[0-9]{1,12}(?:\.[0-9]{1,3})?")


def deadline_of(route: Route, default: float, takes_upload: bool) -> float:
    """Seconds for a request of the route, 0 for no end; raises `OptionInvalid`.

    An upload, and what must always be answered, has none unless its route says so.
    """
    seconds = route.deadline
    if seconds is None:
        return 0.0 if takes_upload or route.vital else default
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not (isfinite(seconds) and seconds >= 0):
        refuse_option(route, f"deadline={seconds!r}", "it is a number of seconds, or 0 for none")
    return float(seconds)


def seconds_of(request: Request, allowed: float) -> float:
    """Seconds that a request has: what is `allowed` (0: no end), or less if its client says so; 0 for no end.

    Raises a `Problem` 422 for a Request-Timeout that is no positive number of seconds.
    """
    header = request.fields.get(HEADER)
    if header is None:
        return allowed
    text = header.strip(b" \t")
    asked = float(text) if _SECONDS.fullmatch(text) and request.count(HEADER) == 1 else 0.0
    if asked == 0:
        fault = Fault(detail="Expected a number of seconds, such as 2.5", parameter="Request-Timeout", where="header")
        raise invalid_request([fault])
    return min(asked, allowed or inf)
