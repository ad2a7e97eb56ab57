"""The notes of operations with files."""

import msgspec


class TakesUpload(msgspec.Struct, frozen=True):
    """The body is a file, of one of these media types or of any."""

    parameter: str
    media_types: tuple[str, ...]


class Downloads(msgspec.Struct, frozen=True):
    """The handler may return a `Download`."""
