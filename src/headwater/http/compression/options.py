"""The compression option of a route."""

from typing import TypedDict

from headwater.http.route.option import Option


class CompressionOption(Option, frozen=True, kw_only=True):
    """Whether responses are compressed."""

    compress: bool = True
    """Encode large responses for clients that accept it. Turn it off for secrets together with input of the request."""


class CompressionOptions(TypedDict, total=False):
    """Options of every route."""

    compress: bool
    """False for a response with a secret and input of the request: its length would reveal the secret."""
