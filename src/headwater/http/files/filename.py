"""File names: from clients, and in Content-Disposition (RFC 6266, RFC 8187)."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote

LIMIT: Final = 255
"""Maximum characters of a name, the limit of most file systems."""

_EXTENDED: Final = re.compile(r"(?:^|;)\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", re.IGNORECASE)
_PLAIN: Final = re.compile(r'(?:^|;)\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]+))', re.IGNORECASE)
_ESCAPE: Final = re.compile(r"\\(.)")
_NOT_ASCII: Final = re.compile(r'[^\x20-\x7e]|["\\%]')
_ATTRIBUTE: Final = "!#$&+-.^_`|~"
"""What RFC 8187's attr-char has beside letters and digits."""


def clean_name(name: str | None) -> str | None:
    """The last segment of a name, without control and bidirectional characters; None if nothing is left."""
    if not name:
        return None
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    shown = "".join(each for each in last if unicodedata.category(each)[0] not in "C" and each not in "\u2028\u2029")
    return _shortened(shown.strip(" .")) or None


def name_in(disposition: str) -> str | None:
    """The name in a Content-Disposition header, cleaned; the extended form wins (RFC 6266 section 4.3)."""
    extended = _EXTENDED.search(disposition)
    if extended is not None:
        try:
            return clean_name(unquote(extended[1], errors="strict"))
        except UnicodeDecodeError:
            pass
    plain = _PLAIN.search(disposition)
    if plain is None:
        return None
    return clean_name(_ESCAPE.sub(r"\1", plain[1]) if plain[1] is not None else plain[2])


def disposition(kind: str, name: str | None) -> bytes:
    """``attachment; filename="a.txt"``; with ``filename*`` beside it if the name needs more than ASCII."""
    cleaned = clean_name(name)
    if cleaned is None:
        return kind.encode()
    plain = _NOT_ASCII.sub("_", cleaned)
    field = f'{kind}; filename="{plain}"'
    if plain != cleaned:
        field += f"; filename*=UTF-8''{quote(cleaned, safe=_ATTRIBUTE)}"
    return field.encode("ascii")


def _shortened(name: str) -> str:
    """At most `LIMIT` characters, with the ending kept."""
    if len(name) <= LIMIT:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 16:
        return name[:LIMIT]
    return stem[: LIMIT - len(ending) - 1] + "." + ending
