"""A form with a file, ``multipart/form-data`` (RFC 7578), parsed while it arrives.

The part with a file name is the file; the other fields are strings and become the upload's metadata.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final, NamedTuple

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from headwater.http.files.filename import clean_name
from headwater.http.files.sniff import essence_of
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request

MEDIA_TYPE: Final = "multipart/form-data"
FRAME_BYTES: Final = 128 * 1024
"""Maximum bytes of a form beside its file: fields, headers and boundaries."""

_FIELD_BYTES: Final = 16 * 1024
_PARTS: Final = 64
_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)


class File(NamedTuple):
    """The media type and the name of the file in a form."""

    media_type: str
    filename: str | None


def boundary_of(request: Request) -> str | None:
    """The boundary of a form, None for any other body; raises a `Problem` 400 for a form that names none."""
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != MEDIA_TYPE:
        return None
    match = _BOUNDARY.search(given)
    if match is None:
        raise _malformed("its Content-Type has no boundary")
    return match[1] or match[2]


class Form:
    """The form in `pieces`. `begin` is called with the `File` before its first bytes."""

    def __init__(self, boundary: str, pieces: AsyncIterator[bytes], begin: Callable[[File], None]) -> None:
        self._parser = PushMultipartParser(boundary, max_segment_count=_PARTS)
        self._pieces = pieces
        self._begin = begin
        self._text = bytearray()
        self._at: MultipartSegment | None = None
        self._found = False
        self.fields: dict[str, str] = {}
        """The other fields, once the form has been read."""

    async def file(self) -> AsyncGenerator[bytes, None]:
        """The bytes of the file; raises a `Problem` 400 for a malformed form, and for a form without exactly one
        file."""
        try:
            async for piece in self._pieces:
                for event in self._parser.parse(piece):
                    if self._take(event):
                        yield bytes(event)
            self._parser.close()
        except MultipartError as error:
            raise _malformed(str(error)) from None
        if not self._found:
            raise _malformed("no part is a file; a file has a filename")

    def _take(self, event: "MultipartSegment | bytes | bytearray | None") -> bool:
        """Whether the event is content of the file."""
        if isinstance(event, MultipartSegment):
            self._start(event)
        elif event is None:
            self._end()
        elif self._at is not None and self._at.filename is not None:
            return True
        else:
            self._text += event
            if len(self._text) > _FIELD_BYTES:
                raise _malformed(f"a field has more than {_FIELD_BYTES} bytes")
        return False

    def _start(self, part: MultipartSegment) -> None:
        self._at = part
        if part.filename is None:
            return
        if self._found:
            raise _malformed("two parts are files")
        self._found = True
        self._begin(File(essence_of(part.content_type), clean_name(part.filename)))

    def _end(self) -> None:
        part, self._at = self._at, None
        assert part is not None, "a part ends after it has begun"
        if part.filename is None:
            self._add(part.name or "", bytes(self._text))
            self._text.clear()

    def _add(self, name: str, text: bytes) -> None:
        if not name or name in self.fields:
            raise _malformed("its fields must have different names")
        try:
            self.fields[name] = text.decode()
        except UnicodeDecodeError:
            raise _malformed(f"the field {name!r} is not UTF-8") from None
        if "\0" in self.fields[name]:
            raise _malformed(f"the field {name!r} has the character NUL")


def _malformed(reason: str) -> Problem:
    return Problem(400, detail=f"The body is not a form with a file: {reason}.")
