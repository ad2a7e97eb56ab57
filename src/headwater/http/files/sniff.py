"""Sniffing: the media type of a file by its first bytes, compared with the declared type.

A declared type that the bytes contradict is refused, because what is served as an image must be one. Where both are
possible, the declared type wins: a spreadsheet has the bytes of an archive, CSV is text, and so is a text that begins
like some signature. Markup that a browser would run gets its own type, whatever was declared.
"""

import re
from functools import lru_cache
from typing import Final

import puremagic

from headwater.http.message.problem import Problem

SNIFF_BYTES: Final = 4096
"""Bytes of a file that are inspected."""
UNKNOWN: Final = "application/octet-stream"

ACTIVE: Final = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/xhtml+xml",
        "application/x-javascript",
        "application/xml",
        "application/xslt+xml",
        "image/svg+xml",
        "text/ecmascript",
        "text/html",
        "text/javascript",
        "text/xml",
        "text/xsl",
    }
)
"""Types that a browser runs in the origin of the site."""

_CONFIDENCE: Final = 0.3  # at least three bytes of signature; shorter ones are unreliable
_ARCHIVES: Final = (
    "application/zip",
    "application/x-zip-compressed",
    "application/epub+zip",
    "application/java-archive",
)
_ARCHIVED: Final = re.compile(r"application/(?:vnd\.(?:openxmlformats-officedocument|oasis\.opendocument)\..+|.+\+zip)")
_SIGNED: Final = ("image/", "audio/", "video/", "font/")
_MARKUP: Final = re.compile(
    rb"[\s\xef\xbb\xbf]*(?:<!--.*?-->\s*|<\?xml[^>]*\?>\s*|<!doctype\s+svg[^>]*>\s*)*"
    rb"(?P<tag><(?:!doctype\s+html|html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p|img|form|object"
    rb"|embed|link|meta|base|svg|\w+:svg|xsl:stylesheet)[\s>/])",
    re.IGNORECASE | re.DOTALL,
)
_XML: Final = re.compile(rb"[\s\xef\xbb\xbf]*<\?xml\s", re.IGNORECASE)
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TEXTUAL: Final = re.compile(
    r"text/.+|application/(?:json|x-ndjson|csv|yaml|x-yaml|toml|sql|rtf|x-sh|pgp-.+|x-pem-file|.+\+(?:json|yaml))"
)
_ALIASES: Final = {
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "application/x-gzip": "application/gzip",
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
}
_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)


def essence_of(content_type: str | None) -> str:
    """The type without parameters, in lower case and under its usual name; `UNKNOWN` if it is invalid."""
    essence = (content_type or "").partition(";")[0].strip().lower()
    return _ALIASES.get(essence, essence) if _TYPE.fullmatch(essence) else UNKNOWN


def settle(declared: str, head: bytes) -> str:
    """The type of a file that begins with `head` and was declared as `declared`; raises a `Problem` 415.

    `declared` is an `essence_of`. An empty file has its declared type.
    """
    if not head:
        return declared
    active = _active(head)
    if active is not None:
        return active if declared in (UNKNOWN, "text/plain") or declared in ACTIVE else _refuse(declared, active)
    found = _signed(head)
    text = _is_text(head)
    if found and not (text and _TEXTUAL.fullmatch(declared) and "application/pdf" not in found):
        return _settle_signed(declared, found)
    if text:
        return _settle_text(declared)
    if _TEXTUAL.fullmatch(declared) or declared.startswith(_SIGNED) or declared in ("application/pdf", *_ARCHIVES):
        return _refuse(declared, "something else")
    return declared


def allows(patterns: tuple[str, ...], media_type: str) -> bool:
    """Whether a list such as ``("image/*", "application/pdf")`` contains the type. `ACTIVE` types must be named."""
    if media_type in patterns:
        return True
    return media_type not in ACTIVE and any(
        pattern == "*/*" or (pattern.endswith("/*") and media_type.startswith(pattern[:-1])) for pattern in patterns
    )


def _settle_signed(declared: str, found: tuple[str, ...]) -> str:
    if declared in found:
        return declared
    if declared == UNKNOWN:
        return found[0]
    if "application/zip" in found and (_ARCHIVED.fullmatch(declared) or declared in _ARCHIVES):
        return declared
    if not declared.startswith(_SIGNED) and not _TEXTUAL.fullmatch(declared) and declared not in ACTIVE:
        same_family = any(declared.split("/")[1] in each for each in found)
        return declared if same_family else _refuse(declared, found[0])
    return _refuse(declared, found[0])


def _settle_text(declared: str) -> str:
    if declared == UNKNOWN:
        return "text/plain"
    if _TEXTUAL.fullmatch(declared) or declared in ACTIVE:
        return declared
    if declared.startswith(_SIGNED) or declared in ("application/pdf", *_ARCHIVES):
        return _refuse(declared, "text")
    return declared


def _active(head: bytes) -> str | None:
    """The active type of these bytes, or None (after the table of WHATWG's MIME Sniffing, section 7.1)."""
    match = _MARKUP.match(head)
    if match is not None:
        tag = match["tag"].lower()
        if b"svg" in tag:
            return "image/svg+xml"
        return "application/xslt+xml" if b"xsl" in tag else "text/html"
    return "application/xml" if _XML.match(head) else None


@lru_cache(maxsize=64)
def _signed(head: bytes) -> tuple[str, ...]:
    """The types whose signature the bytes have, the likeliest first; none without a reliable signature."""
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return ()
    sure = [each for each in matches if each.confidence >= _CONFIDENCE and each.mime_type]
    if not sure:
        return ()
    best = sure[0].confidence
    types = [_ALIASES.get(each.mime_type, each.mime_type) for each in sure if each.confidence == best]
    if head.startswith(b"PK\x03\x04"):  # of the many formats that are archives the bytes name none
        types.insert(0, "application/zip")
    return tuple(dict.fromkeys(types))


def _is_text(head: bytes) -> bool:
    """Whether it is UTF-8 without control characters; a truncated character at the end is allowed."""
    if _BINARY.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return len(head) == SNIFF_BYTES and error.start >= len(head) - 3
    return True


def _refuse(declared: str, found: str) -> str:
    raise Problem(415, detail=f"The file is declared as {declared}, but its bytes are those of {found}.")
