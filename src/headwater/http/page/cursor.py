"""A cursor: a position in one list. A client can read it, but cannot forge, alter or use it for another list.

It is base64url (RFC 4648 section 5, without padding) of ``version | key id | code | body``. The body is a MessagePack
array of expiry, kind of position, sort, digest of the filters, and the values of the row at the position. The code is
an HMAC-SHA256 over all of that and over the scope, which is not in the cursor: the route with its path values, and the
tenant of the principal. The version of the API is in neither, so a cursor is valid in all versions.

A cursor is not secret: its values are those of a row that the client was shown.
"""

import base64
import binascii
from typing import Any, Final

import msgspec

from headwater.http.message.problemtype import CURSOR_INVALID
from headwater.keyring import ID_BYTES, MAC_BYTES, Keys

LENGTH_LIMIT: Final = 8192
PURPOSE: Final = "page cursor"

_VERSION: Final = b"\x01"
_HEAD: Final = len(_VERSION) + ID_BYTES
_ENCODE: Final = msgspec.msgpack.Encoder().encode


class CursorPosition(msgspec.Struct, frozen=True):
    """A position between rows: just after the row with these values, or, `backward`, just before it.

    `inclusive` moves it to the other side of that row.
    """

    values: tuple[Any, ...]
    backward: bool = False
    inclusive: bool = False


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    expires: int
    backward: bool
    inclusive: bool
    sort: str
    filters: bytes
    values: msgspec.Raw


class Bounds(msgspec.Struct, frozen=True):
    """What a cursor is valid for: one `scope`, one `sort`, one set of `filters`."""

    scope: bytes
    sort: str
    filters: bytes


_DECODER: Final = msgspec.msgpack.Decoder(_Body)


def write_cursor(position: CursorPosition, bounds: Bounds, expires: int, keys: Keys) -> str:
    """The cursor of a position. `expires` is in Unix seconds. Values must be encodable by `msgspec.msgpack`."""
    values = msgspec.Raw(_ENCODE(position.values))
    body = _ENCODE(_Body(expires, position.backward, position.inclusive, bounds.sort, bounds.filters, values))
    head = _VERSION + keys.signing.id
    code = keys.signing.sign(_signed(head, bounds.scope, body))
    return base64.urlsafe_b64encode(head + code + body).rstrip(b"=").decode()


def read_cursor(
    text: str, bounds: Bounds, now: int, keys: Keys, values_of: msgspec.msgpack.Decoder[tuple[Any, ...]]
) -> CursorPosition:
    """The position of a cursor, its values as `values_of` reads them.

    Raises a `Problem` 400 for one that was altered, has expired, or belongs to another list, sort, filter or tenant.
    """
    body = _open(text, bounds.scope, keys)
    if body is None:
        raise CURSOR_INVALID.problem("The cursor was not issued by this list.")
    if body.expires <= now:
        raise CURSOR_INVALID.problem("The cursor has expired; start at the first page.")
    if body.sort != bounds.sort:
        raise CURSOR_INVALID.problem(f"The cursor belongs to sort={body.sort}; send it with that, or leave it out.")
    if body.filters != bounds.filters:
        raise CURSOR_INVALID.problem("The cursor belongs to other filters; send it with those, or leave it out.")
    try:
        values = values_of.decode(body.values)
    except msgspec.DecodeError:  # signed by a release in which the columns had other types
        raise CURSOR_INVALID.problem("The cursor was issued for an earlier form of this list.") from None
    return CursorPosition(values, body.backward, body.inclusive)


def _open(text: str, scope: bytes, keys: Keys) -> _Body | None:
    """The body, or None if the code is wrong."""
    data = _decode(text)
    if data is None or len(data) < _HEAD + MAC_BYTES or data[:1] != _VERSION:
        return None
    head, code, body = data[:_HEAD], data[_HEAD : _HEAD + MAC_BYTES], data[_HEAD + MAC_BYTES :]
    key = keys.known.get(head[1:])
    if key is None or not key.verifies(_signed(head, scope, body), code):
        return None
    try:
        return _DECODER.decode(body)
    except msgspec.DecodeError:
        return None


def _signed(head: bytes, scope: bytes, body: bytes) -> bytes:
    return head + len(scope).to_bytes(4, "big") + scope + body


def _decode(text: str) -> bytes | None:
    """The bytes, if the encoding is canonical: base64 has unused bits, and Python ignores invalid characters."""
    if len(text) > LENGTH_LIMIT or not text.isascii():
        return None
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else None
