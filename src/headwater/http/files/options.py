"""The upload options of a route."""

from collections.abc import Sequence
from typing import TypedDict

from headwater.http.route.option import Option


class UploadOption(Option, frozen=True, kw_only=True):
    """The maximum size and the media types of an upload."""

    upload_limit: int | None = None
    """Maximum bytes of an upload; by default 64 MiB."""
    media_types: Sequence[str] = ()
    """The accepted media types, ``("image/*", "application/pdf")``; by default any."""


class UploadOptions(TypedDict, total=False):
    """Options of commands that take an upload."""

    upload_limit: int
    """Maximum bytes of the upload; by default 64 MiB."""
    media_types: Sequence[str]
    """The accepted media types: ``("image/*", "application/pdf")``."""


class ResumableOptions(TypedDict, total=False):
    """Options of resumable uploads."""

    limit: int
    """Maximum bytes of an upload; by default 64 MiB."""
    media_types: Sequence[str]
    """The accepted media types: ``("image/*", "application/pdf")``."""
