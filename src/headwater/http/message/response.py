"""A response that a handler builds itself, instead of returning a value to be encoded."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from headwater.http.message.answer import Answer, Fields

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # token, RFC 9110 section 5.6.2
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS: Final = frozenset({"content-length", "transfer-encoding", "connection"})

EMPTY: Final = (204, 205, 304)
"""Statuses without a body (RFC 9110 sections 15.3.5, 15.3.6, 15.4.5)."""
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


class Response(Answer):
    """`body` with any status, headers and media type; a string is sent as UTF-8.

    Raises `ValueError` for a status that is not that of a final response, a body where the status allows none, and a
    header that is invalid or reserved for the server (length, transfer coding, connection).
    """

    __slots__ = ()

    def __init__(
        self,
        body: bytes | str = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        media_type: str | None = None,
    ) -> None:
        if not 200 <= status <= 599:
            raise ValueError(f"{status} is not the status of a final response")
        if body and status in EMPTY:
            raise ValueError(f"a response with status {status} has no body")
        fields = header_fields(headers)
        media_type = media_type or ("text/plain; charset=utf-8" if isinstance(body, str) else None)
        if media_type and not any(name == b"content-type" for name, _ in fields):
            fields.append((b"content-type", media_type.encode("latin-1")))
        if not any(name == NOSNIFF[0] for name, _ in fields):
            fields.append(NOSNIFF)
        super().__init__(status, fields, body.encode() if isinstance(body, str) else bytes(body))


def header_fields(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> Fields:
    """Headers as they are sent; raises `ValueError`."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [_field(name, value) for name, value in pairs]


def _field(name: str, value: str) -> tuple[bytes, bytes]:
    if not _NAME.fullmatch(name) or name.lower() in _OURS:
        raise ValueError(f"{name!r} is not a header that a response can set")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value of {name} cannot be sent in a header: {value!r}")
    return name.lower().encode(), value.encode("latin-1")
