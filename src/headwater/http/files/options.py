"""What a route says of the uploads that it takes."""

from collections.abc import Sequence
from typing import TypedDict

from headwater.http.route.option import Option


class UploadOption(Option, frozen=True, kw_only=True):
    """How large an upload may be, and of which types."""

    upload_limit: int | None = None
    """Bytes that an upload may have; by default 64 MiB."""
    media_types: Sequence[str] = ()
    """What an upload may be, ``("image/*", "application/pdf")``; by default anything."""


class UploadOptions(TypedDict, total=False):
    """What a command that takes an upload can say."""

    upload_limit: int
    """Bytes that the upload may have; by default 64 MiB."""
    media_types: Sequence[str]
    """What the upload may be: ``("image/*", "application/pdf")``."""


class ResumableOptions(TypedDict, total=False):
    """Options of resumable uploads."""

    limit: int
    """Bytes that an upload may have; by default 64 MiB."""
    media_types: Sequence[str]
    """What an upload may be: ``("image/*", "application/pdf")``."""
