"""A download: a response that refers to an object (see `headwater.http.files.sending`)."""

from datetime import datetime
from uuid import UUID

from headwater.http.message.answer import Answer, Write


class Download(Answer):
    """Send the object with this id, as a command kept it, or with this key of the object storage.

    A handler declares it: ``-> Download``. Name, type and time default to those of the upload. `attachment` makes
    browsers save the file instead of showing it. `etag` identifies the state of an object that is replaced under its
    key. Raises `ValueError` for a value that cannot be sent in a header.
    """

    __slots__ = ("attachment", "etag", "filename", "last_modified", "media_type", "source")

    def __init__(
        self,
        source: UUID | str,
        *,
        filename: str | None = None,
        media_type: str | None = None,
        attachment: bool = False,
        etag: str | None = None,
        last_modified: datetime | None = None,
        cache_control: str = "private, no-cache",
    ) -> None:
        if not cache_control.isprintable() or not cache_control.isascii():
            raise ValueError(f"{cache_control!r} is not a valid Cache-Control")
        super().__init__(200, [(b"cache-control", cache_control.encode())], stream=_not_declared)
        self.source = source
        self.filename = filename
        self.media_type = media_type
        self.attachment = attachment
        self.etag = etag
        self.last_modified = last_modified


async def _not_declared(write: Write) -> None:
    raise TypeError("a handler that returns a Download must declare it: `-> Download`")
