"""Ranges: which bytes of a representation a client requests, and how they are sent (RFC 9110 section 14).

Without I/O: from the header and the size to spans. The caller sends the bytes.

    spans = read_ranges(header, size)    when If-Range, if any, holds
    None     all of it, 200              no range of bytes, malformed, or too many (section 14.2 lets us ignore these)
    ()       nothing of it, 416          `unsatisfied(size)`
    (a,)     206                         with `a.content_range(size)`
    (a, b…)  206, multipart/byteranges   `Multipart(spans, size, media_type)`
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from headwater.http.message.date import read_date
from headwater.http.message.etag import read_tag
from headwater.http.message.problem import Problem

PARTS: Final = 16
"""Maximum parts of a response; a request for more gets the whole representation."""
ASKED: Final = 100
"""Maximum ranges of a request; the header is ignored beyond."""
GAP_BYTES: Final = 128
"""Ranges with smaller gaps are joined: the gap is smaller than the header of a part."""

ACCEPTED: Final = (b"accept-ranges", b"bytes")

_UNIT: Final = re.compile(rb"[ \t]*bytes=(.*)", re.IGNORECASE | re.DOTALL)
_SPEC: Final = re.compile(rb"([0-9]*)-([0-9]*)")
_DIGITS: Final = 18  # larger numbers are beyond the end of any representation
_STRONG: Final = timedelta(seconds=1)


class Span(NamedTuple):
    """The bytes from `start` to before `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.end - self.start

    def content_range(self, size: int) -> bytes:
        """The value of Content-Range, whose last position is inclusive."""
        return b"bytes %d-%d/%d" % (self.start, self.end - 1, size)


def read_ranges(header: bytes, size: int) -> tuple[Span, ...] | None:
    """The spans of a Range header in a representation of `size` bytes, without overlaps and small gaps.

    They are in the order of the request, or sorted if some were joined.
    """
    specs = _read_specs(header)
    if specs is None:
        return None
    if size == 0 and any(start is None and end for start, end in specs):
        return None  # a suffix of nothing is satisfiable, but has no Content-Range
    found = [span for spec in specs if (span := _resolve(spec, size)) is not None]
    joined = _join(found)
    spans = found if len(joined) == len(found) else joined
    return tuple(spans) if len(spans) <= PARTS else None


def range_holds(if_range: bytes | None, etag: bytes | None, modified: datetime | None, now: datetime) -> bool:
    """Whether If-Range matches this representation, so the range applies (section 13.1.5).

    Only a strong validator matches: a strong ETag, or the same Last-Modified if that is at least a second old, so the
    representation cannot have changed again within that second.
    """
    if if_range is None:
        return True
    asked = read_tag(if_range)
    if asked is not None:
        return etag is not None and not asked.weak and asked == read_tag(etag)
    since = read_date(if_range)
    if since is None or modified is None:
        return False
    return since == modified.replace(microsecond=0) and now - modified >= _STRONG


def unsatisfied(size: int) -> Problem:
    """The problem of ranges that are all beyond the end."""
    return Problem(416, detail=f"There are {size} bytes.", headers={"Content-Range": f"bytes */{size}"})


class Multipart:
    """Several spans as one body (section 14.6): its pieces in order, and its total length.

    `boundary` is random by default, so it does not occur in the content.
    """

    def __init__(self, spans: Sequence[Span], size: int, media_type: bytes, boundary: bytes | None = None) -> None:
        self._spans = spans
        self._size = size
        self._media_type = media_type
        self._boundary = boundary or secrets.token_hex(16).encode()
        self.content_type = b"multipart/byteranges; boundary=" + self._boundary
        self.length = sum(piece.size if isinstance(piece, Span) else len(piece) for piece in self.pieces())

    def pieces(self) -> Iterator[bytes | Span]:
        """Bytes to write, and spans whose content is to be written."""
        for span in self._spans:
            yield self._head(span)
            yield span
        yield b"\r\n--%b--\r\n" % self._boundary

    def _head(self, span: Span) -> bytes:
        return b"\r\n--%b\r\ncontent-type: %b\r\ncontent-range: %b\r\n\r\n" % (
            self._boundary,
            self._media_type,
            span.content_range(self._size),
        )


Spec = tuple[int | None, int | None]
"""``500-999``, ``500-``, or without a start ``-500``, the last 500 bytes."""


def _read_specs(header: bytes) -> list[Spec] | None:
    """The ranges as they are written; None for another unit, or if one is invalid (section 14.1.1)."""
    match = _UNIT.fullmatch(header)
    if match is None:
        return None
    members = [member for each in match[1].split(b",", ASKED) if (member := each.strip(b" \t"))]
    specs = [_read_spec(member) for member in members[: ASKED + 1]]
    return specs if specs and len(members) <= ASKED and None not in specs else None  # type: ignore[return-value]


def _read_spec(text: bytes) -> Spec | None:
    match = _SPEC.fullmatch(text)
    if match is None:
        return None
    start, end = _number(match[1]), _number(match[2])
    if start is None:
        return None if end is None else (None, end)
    return None if end is not None and end < start else (start, end)


def _number(digits: bytes) -> int | None:
    if not digits:
        return None
    significant = digits.lstrip(b"0")
    return int(significant or b"0") if len(significant) <= _DIGITS else 10**_DIGITS


def _resolve(spec: Spec, size: int) -> Span | None:
    """The span of a range, None if it is beyond the end."""
    start, last = spec
    if start is None:
        assert last is not None
        start, last = max(0, size - last), size - 1
    end = size if last is None else min(last + 1, size)
    return Span(start, end) if start < end else None


def _join(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end + GAP_BYTES:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined
