"""A row change: the JSON body of an entry of kind `CHANGE`.

The decoders are bound methods, because a reader calls one for every entry; they raise `msgspec.DecodeError`, and
`UnicodeDecodeError` for text that is not UTF-8.
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
    """The key by which changes of one row are ordered; empty for a truncate, which concerns every row."""
    old: dict[str, Any] = {}
    """The old values of declared columns. Those that the replica identity did not log are absent."""


class ChangeHeader(msgspec.Struct, frozen=True):
    """The part of a row change by which consumers are selected; everything else is skipped while decoding."""

    table: str


encode_change = msgspec.json.Encoder().encode
decode_change = msgspec.json.Decoder(RowChange).decode
decode_change_header = msgspec.json.Decoder(ChangeHeader).decode
