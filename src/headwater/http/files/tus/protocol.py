"""The headers of tus 1.0, read and written without I/O (https://tus.io/protocols/resumable-upload)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from headwater.http.message.answer import Fields
from headwater.http.message.problem import Problem
from headwater.http.message.request import Request

VERSION: Final = b"1.0.0"
EXTENSIONS: Final = b"creation,creation-with-upload,creation-defer-length,checksum,expiration,termination"
ALGORITHMS: Final = {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "sha512": "sha512"}
"""What Upload-Checksum may name, and what Python calls it; sha1 is required of a server."""
CONTENT_TYPE: Final = "application/offset+octet-stream"
MISMATCH: Final = 460
"""The protocol's own status for a checksum that does not match."""

SPOKEN: Final = (b"tus-resumable", VERSION)

_KEY: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]+")  # visible ASCII without the comma
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_METADATA_BYTES: Final = 8192


class Checksum(NamedTuple):
    """The checksum that a request declares for its body."""

    algorithm: str
    value: bytes


class Checking:
    """Hashes the body of one request, if it declares a checksum."""

    def __init__(self, checksum: Checksum | None) -> None:
        self._checksum = checksum
        self._hash: Any = None
        if checksum is not None:
            self._hash = hashlib.new(ALGORITHMS[checksum.algorithm], usedforsecurity=False)

    def __bool__(self) -> bool:
        """Whether there is a checksum, before whose check nothing may be recorded."""
        return self._checksum is not None

    def update(self, piece: bytes) -> None:
        """Add the next bytes."""
        if self._hash is not None:
            self._hash.update(piece)

    def check(self) -> None:
        """Raise a `Problem` 460 if it does not match."""
        if self._checksum is not None and self._hash.digest() != self._checksum.value:
            detail = "The bytes that arrived do not match Upload-Checksum, and were discarded. Send them again."
            raise Problem(MISMATCH, "Checksum Mismatch", detail)


def require_version(request: Request) -> None:
    """Raise a `Problem` 412 for a client that speaks another version."""
    if request.fields.get(SPOKEN[0]) != VERSION:
        detail = "This server implements tus 1.0.0; send Tus-Resumable: 1.0.0."
        raise Problem(412, detail=detail, headers={"Tus-Version": VERSION.decode()})


def require_content_type(request: Request) -> None:
    """Raise a `Problem` 415 for a body that is not declared as bytes of an upload."""
    given = request.fields.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if given != CONTENT_TYPE:
        raise Problem(415, detail=f"The Content-Type must be {CONTENT_TYPE}.", headers={"Accept-Patch": CONTENT_TYPE})


def offset_of(request: Request) -> int:
    """Upload-Offset; raises a `Problem` 400 without it."""
    offset = number_in(request, "Upload-Offset")
    if offset is None:
        raise Problem(400, detail="Upload-Offset is required: it is the position of the first byte.")
    return offset


def number_in(request: Request, name: str) -> int | None:
    """The number in a header, None without it; raises a `Problem` 400 for what is none."""
    if name.lower().encode() not in request.fields:
        return None
    text = request.headers[name]
    if _DIGITS.fullmatch(text) is None:
        raise Problem(400, detail=f"{name} must be a number of bytes, in digits.")
    return int(text)


def length_of(request: Request) -> int | None:
    """Upload-Length of a new upload, None if it is deferred; raises a `Problem` 400 unless one of the two is said."""
    length, deferred = number_in(request, "Upload-Length"), request.fields.get(b"upload-defer-length")
    if deferred not in (None, b"1"):
        raise Problem(400, detail="Upload-Defer-Length must be 1.")
    if (length is None) == (deferred is None):
        raise Problem(400, detail="Send either Upload-Length or Upload-Defer-Length: 1.")
    return length


def checksum_of(request: Request) -> Checksum | None:
    """Upload-Checksum, None without it; raises a `Problem` 400 for an unsupported algorithm or an invalid checksum."""
    if b"upload-checksum" not in request.fields:
        return None
    algorithm, _, encoded = request.headers["upload-checksum"].partition(" ")
    if algorithm not in ALGORITHMS:
        raise Problem(400, detail=f"Upload-Checksum must use one of {', '.join(ALGORITHMS)}.")
    value = _decode(encoded)
    if value is None or len(value) != hashlib.new(ALGORITHMS[algorithm], usedforsecurity=False).digest_size:
        raise Problem(400, detail=f"Upload-Checksum has no valid {algorithm} in base64.")
    return Checksum(algorithm, value)


def metadata_in(header: str) -> dict[str, str]:
    """Upload-Metadata: pairs of a key and a base64 string; raises a `Problem` 400."""
    if len(header) > _METADATA_BYTES:
        raise Problem(400, detail=f"Upload-Metadata must not exceed {_METADATA_BYTES} bytes.")
    found: dict[str, str] = {}
    for pair in header.split(",") if header.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        value = _decode(encoded)
        if _KEY.fullmatch(key) is None or value is None or key in found:
            raise Problem(400, detail="Upload-Metadata must be a list of different keys, each with a value in base64.")
        try:
            found[key] = value.decode()
        except UnicodeDecodeError:
            raise Problem(400, detail=f"The value of {key} in Upload-Metadata is not UTF-8.") from None
    return found


def abilities(limit: int) -> Fields:
    """The fields of the response to OPTIONS."""
    return [
        SPOKEN,
        (b"tus-version", VERSION),
        (b"tus-extension", EXTENSIONS),
        (b"tus-max-size", b"%d" % limit),
        (b"tus-checksum-algorithm", ",".join(ALGORITHMS).encode()),
    ]


def first_of(metadata: dict[str, str], names: Iterable[str]) -> str | None:
    """The value of the first of these keys that is there; clients differ in how they call a name and a type."""
    return next((metadata[name] for name in names if metadata.get(name)), None)


def _decode(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
