"""Conditions: If-Match and the other preconditions, evaluated against the current state (RFC 9110 section 13).

Evaluated in the order of section 13.2.2, without I/O:

1. If-Match, by strong comparison: false is 412
2. or else If-Unmodified-Since: false is 412
3. If-None-Match, by weak comparison: false is 304 for what reads, and 412 for what writes
4. or else, for what reads, If-Modified-Since: false is 304

One state of a resource has several representations: compressed or not, in different versions. If-Match protects the
state, so the tag of any of them matches. If-None-Match compares representations; a tag with any coding that the client
accepts matches, so a response need not be encoded to compare it.
"""

from datetime import datetime
from typing import Final, Literal, NamedTuple

from headwater.clock import now
from headwater.http.message.accept import accepts
from headwater.http.message.answer import Fields
from headwater.http.message.date import read_date, write_date
from headwater.http.message.etag import Parts, Tags, TagsMalformed, read_tags
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request

_NAMES: Final = (b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since")


class Conditions(NamedTuple):
    """The headers of a conditional request, as they were sent."""

    match: bytes | None = None
    unmodified_since: bytes | None = None
    none_match: bytes | None = None
    modified_since: bytes | None = None
    accept_encoding: bytes | None = None


class Validators(NamedTuple):
    """The validators of a state; `modified` in UTC, in whole seconds."""

    state: bytes | None = None
    modified: datetime | None = None
    variant: bytes = b""

    @property
    def etag(self) -> bytes | None:
        """The strong ETag, before the response is compressed."""
        return None if self.state is None else bytes(Parts(self.state, self.variant))


class NotModified(NamedTuple):
    """The client has the current state; `etag` is the tag that it sent."""

    etag: bytes | None


def conditions_of(request: Request) -> Conditions | None:
    """The conditions of a request, None if it has none."""
    fields = request.fields
    if not (
        b"if-none-match" in fields
        or b"if-match" in fields
        or b"if-modified-since" in fields
        or b"if-unmodified-since" in fields
    ):
        return None
    match, none_match, modified_since, unmodified_since = (_joined(request, name) for name in _NAMES)
    return Conditions(match, unmodified_since, none_match, modified_since, _joined(request, b"accept-encoding"))


def evaluate(
    conditions: Conditions, current: Validators | None, verb: Literal["query", "command"]
) -> NotModified | None:
    """None if the request must be performed; raises a `Problem` 412 if a condition is false.

    `current` is None if the resource does not exist. Invalid dates, and dates for a resource without one, are ignored,
    as section 13.1 requires. A malformed list of tags is ignored in If-None-Match of a query, where the client only
    gets more than it needs; elsewhere it is a 400, because an update would be unprotected.
    """
    if conditions.match is not None:
        _require_match(conditions.match, current)
    elif conditions.unmodified_since is not None:
        _require_unmodified(conditions.unmodified_since, current)
    if verb == "query":
        return _known(conditions, current)
    if conditions.none_match is not None:
        _require_none(conditions.none_match, current)
    return None


def _require_match(header: bytes, current: Validators | None) -> None:
    tags = _read(header, "If-Match")
    if current is None:
        raise Problem(412, detail="If-Match requires that the resource exists, and it does not.")
    if tags != "*" and not any(tag.parts.state == current.state for tag in tags if not tag.weak):
        detail = "The resource has changed: its ETag is not among those in If-Match. Read it again before changing it."
        raise Problem(412, detail=detail)


def _require_unmodified(header: bytes, current: Validators | None) -> None:
    since = read_date(header)
    if since is not None and current is not None and current.modified is not None and current.modified > since:
        raise Problem(412, detail="The resource has changed since the date in If-Unmodified-Since. Read it again.")


def _require_none(header: bytes, current: Validators | None) -> None:
    tags = _read(header, "If-None-Match")
    if current is None:
        return
    if tags == "*":
        raise Problem(412, detail="If-None-Match: * requires that the resource does not exist, and it does.")
    if any(tag.parts.state == current.state for tag in tags):
        raise Problem(412, detail="The resource's ETag is among those in If-None-Match.")


def _known(conditions: Conditions, current: Validators | None) -> NotModified | None:
    if current is None:
        return None
    if conditions.none_match is not None:
        return _matching(conditions.none_match, conditions.accept_encoding, current)
    if conditions.modified_since is not None:
        return _unmodified(conditions.modified_since, current)
    return None


def _matching(header: bytes, accept_encoding: bytes | None, current: Validators) -> NotModified | None:
    try:
        tags = read_tags(header)
    except TagsMalformed:
        return None
    if tags == "*":
        return NotModified(current.etag)
    for tag in tags if current.state is not None else ():
        state, variant, coding = tag.parts
        if (state, variant) == (current.state, current.variant) and accepts(accept_encoding, coding):
            return NotModified(bytes(tag.parts))
    return None


def _unmodified(header: bytes, current: Validators) -> NotModified | None:
    since = read_date(header)
    if since is None or current.modified is None or current.modified > since:
        return None
    return NotModified(current.etag)


def _read(header: bytes, name: str) -> Tags:
    try:
        return read_tags(header)
    except TagsMalformed:
        raise Problem(400, detail=f'{name} must be * or a list of ETags with their quotes, such as "7".') from None


def _joined(request: Request, name: bytes) -> bytes | None:
    """The values of a repeated header as one list (RFC 9110 section 5.3)."""
    value = request.fields.get(name)
    if value is None or request.count(name) == 1:
        return value
    return b", ".join(each for known, each in request.scope["headers"] if known == name)


def fields_of(validators: Validators) -> Fields:
    """ETag and Last-Modified; a date ahead of the handlers' clock is sent as now (section 8.8.2.1)."""
    fields: Fields = []
    etag = validators.etag
    if etag is not None:
        fields.append((b"etag", etag))
    if validators.modified is not None:
        fields.append((b"last-modified", write_date(min(validators.modified, now()))))
    return fields
