"""A changed row as the log keeps it: the JSON body of an entry of kind `CHANGE`.

The decoders are bound methods, because a reader calls one for every entry; they raise `msgspec.DecodeError`, and
`UnicodeDecodeError` for text that is no UTF-8.
"""

from typing import Any

import msgspec

from headwater.types import Operation


class RowChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a change entry in the log."""

    table: str
    """``schema.table``."""
    operation: Operation
    key: dict[str, Any]
    row: dict[str, Any]
    id: str
    """The text that orders changes of one row; empty for a truncate, which is about every row."""
    old: dict[str, Any] = {}
    """Of declared columns, what they were before; those that the replica identity did not log are absent."""


class ChangeHeader(msgspec.Struct, frozen=True):
    """The part of a row change that says whom it concerns; everything else is skipped while decoding."""

    table: str


encode_change = msgspec.json.Encoder().encode
decode_change = msgspec.json.Decoder(RowChange).decode
decode_change_header = msgspec.json.Decoder(ChangeHeader).decode
