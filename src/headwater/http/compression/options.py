"""What a route says of the compression of its answers."""

from typing import TypedDict

from headwater.http.route.option import Option


class CompressionOption(Option, frozen=True, kw_only=True):
    """Whether answers are compressed."""

    compress: bool = True
    """Encode large answers for clients that take that. Not for a secret beside something that the request says."""


class CompressionOptions(TypedDict, total=False):
    """Options of every route."""

    compress: bool
    """False for an answer with a secret beside something that the request says, which its length would tell."""
