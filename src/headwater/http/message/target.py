"""The target of a request: the segments of its path and the parameters of its query string.

Percent-encoding is decoded after splitting, so ``%2F`` stays inside its segment and ``%26`` inside its value. A target
that does not decode to UTF-8 is a 400.
"""

from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from headwater.http.message.problemtype import MALFORMED_TARGET

PARAMETERS_LIMIT: Final = 1000

QueryFields = dict[str, list[str]]


def segments(scope: MutableMapping[str, Any]) -> list[str]:
    """The decoded segments below the root path: ``/a%2Fb/c`` is ``["a/b", "c"]``. Raises a `Problem`."""
    path, raw, root = scope["path"], scope.get("raw_path"), scope.get("root_path") or ""
    if raw is None or b"%" not in raw:
        return below(root, path)[1:].split("/")
    decoded = [_decode(segment, "path") for segment in raw.split(b"/")]
    return decoded[1 + root.count("/") if _is_below(root, path) else 1 :]


def below(root: str, path: str) -> str:
    """The path below the mount point of this application."""
    return path[len(root) :] if root and _is_below(root, path) else path


def query_fields(query: bytes) -> QueryFields:
    """Every parameter with its values in order, as HTML forms encode them (``+`` is a space). Raises a `Problem`."""
    if query.count(b"&") >= PARAMETERS_LIMIT:
        raise MALFORMED_TARGET.problem(f"The query string has more than {PARAMETERS_LIMIT} parameters.")
    found: QueryFields = {}
    for pair in query.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            found.setdefault(_decode_form(name), []).append(_decode_form(value))
    return found


def _is_below(root: str, path: str) -> bool:
    return path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/")


def _decode_form(text: bytes) -> str:
    return _decode(text.replace(b"+", b" ") if b"+" in text else text, "query string")


def _decode(text: bytes, where: str) -> str:
    try:
        return (unquote_to_bytes(text) if b"%" in text else text).decode()
    except UnicodeDecodeError:
        raise MALFORMED_TARGET.problem(f"The {where} is not percent-encoded UTF-8.") from None
