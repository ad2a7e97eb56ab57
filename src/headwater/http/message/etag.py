"""Entity tags: ``"state+variant+coding"``, and lists of them as clients send them (RFC 9110 section 8.8.3).

The state identifies what is stored: a revision, or a digest. The variant identifies its form, if there are several: an
older version, fewer fields. The coding is the compression. Two representations of one state differ if variant or coding
differ, so a strong tag has all three; the protection of updates compares only the state.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote
from uuid import UUID

SEPARATOR: Final = b"+"

_CODINGS: Final = frozenset({b"zstd", b"br", b"gzip"})
_TAG: Final = re.compile(rb'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_GAP: Final = re.compile(rb"[ \t]*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DIGEST_BYTES: Final = 16


class TagsMalformed(ValueError):
    """A header is neither ``*`` nor a list of entity tags."""


class Tag(NamedTuple):
    """An entity tag; `opaque` is the string between its quotes."""

    opaque: bytes
    weak: bool = False

    @property
    def parts(self) -> "Parts":
        """The parts of the tag, if it is one of ours."""
        state, *rest = self.opaque.split(SEPARATOR)
        coding = rest.pop() if rest and rest[-1] in _CODINGS else b""
        return Parts(state, SEPARATOR.join(rest), coding)


class Parts(NamedTuple):
    """Empty `variant`: the plain form; empty `coding`: not compressed."""

    state: bytes
    variant: bytes = b""
    coding: bytes = b""

    def __bytes__(self) -> bytes:
        """The strong tag, with its quotes."""
        if not self.variant and not self.coding:  # most often
            return b'"%b"' % self.state
        return b'"%b"' % SEPARATOR.join([self.state, *(part for part in (self.variant, self.coding) if part)])


Tags = tuple[Tag, ...] | Literal["*"]


def read_tags(header: bytes) -> Tags:
    """The tags in If-Match or If-None-Match; raises `TagsMalformed`.

    Empty members are ignored (RFC 9110 section 5.6.1.2). The time is linear in the length of the header.
    """
    text = header.strip(b" \t")
    if text == b"*":
        return "*"
    tags: list[Tag] = []
    index, separated = 0, True  # separated: a comma, or the beginning, precedes this index
    while index < len(text):
        if text[index] == 0x2C:
            index, separated = index + 1, True
        else:
            match = _TAG.match(text, index) if separated else None
            if match is None:
                raise TagsMalformed
            tags.append(Tag(match[2], match[1] is not None))
            index, separated = match.end(), False
        index = _GAP.match(text, index).end()  # type: ignore[union-attr]
    if not tags:
        raise TagsMalformed
    return tuple(tags)


def read_tag(header: bytes) -> Tag | None:
    """The tag in ETag or If-Range, None if it is not a tag."""
    match = _TAG.fullmatch(header.strip(b" \t"))
    return Tag(match[2], match[1] is not None) if match is not None else None


def with_coding(etag: bytes, coding: bytes) -> bytes:
    """The tag of the same response compressed: different bytes, so a different strong tag."""
    return etag[:-1] + SEPARATOR + coding + b'"'


def digest_of(body: bytes) -> bytes:
    """The state of a response without a revision: 128 bits of the SHA-256 of its bytes."""
    return urlsafe_b64encode(sha256(body).digest()[:_DIGEST_BYTES]).rstrip(b"=")


def state_writer(kind: type) -> Callable[[Any], bytes] | None:
    """A function that writes values of this type as a state; None if the type is not suitable."""
    return next((write for known, write in _WRITERS if issubclass(kind, known)), None)


def _write_text(value: str) -> bytes:
    return quote(value, safe="").encode()


def _write_int(value: int) -> bytes:
    return b"%d" % value


def _write_uuid(value: UUID) -> bytes:
    return str(value).encode()


def _write_moment(value: datetime) -> bytes:
    """Microseconds since 1970, the precision of PostgreSQL."""
    since = (value.replace(tzinfo=UTC) if value.tzinfo is None else value) - _EPOCH
    return b"%x" % ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


_WRITERS: Final[tuple[tuple[type, Callable[[Any], bytes]], ...]] = (
    (int, _write_int),
    (str, _write_text),
    (UUID, _write_uuid),
    (datetime, _write_moment),
)
