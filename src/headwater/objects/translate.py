"""obstore's errors as ours.

Its error classes cover what every store reports. What only some stores report (no such bucket, no space left) shows
only in the text of the error.
"""

from typing import Final

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from headwater.objects.errors import (
    AccessRefused,
    BucketMissing,
    KeyInvalid,
    NoObject,
    ObjectsError,
    StoreFull,
    StoreUnavailable,
)

FOREIGN: Final = (BaseError, OSError, ValueError)
"""What obstore raises: its own errors, and Python's."""

_FULL: Final = ("No space left on device", "os error 28", "Disk quota exceeded", "os error 122", "QuotaExceeded")
_REFUSED: Final = ("AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "403 Forbidden", "401 Unauthorized")


def translate(error: BaseException, key: str, location: object) -> ObjectsError:
    """Our error for one of `FOREIGN`."""
    text = str(error)
    reason = _first_line(text)
    if isinstance(error, FileNotFoundError):
        return BucketMissing(location=location) if "NoSuchBucket" in text else NoObject(key=key, location=location)
    if isinstance(error, ValueError) and not isinstance(error, BaseError):
        return KeyInvalid(key=key, reason=reason)
    if any(word in text for word in _FULL):
        return StoreFull(location=location, reason=reason)
    refused = isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError)
    if refused or any(word in text for word in _REFUSED):
        return AccessRefused(location=location, reason=reason)
    return StoreUnavailable(location=location, reason=reason)


def is_whole_answer(error: BaseException) -> bool:
    """Whether a store answered a range request with the whole object, as some S3 servers do."""
    return "non-partial response" in str(error)


def _first_line(text: str) -> str:
    line = text.partition("\n")[0].strip()
    return line[:300].removesuffix(":") if line else "no reason was given"
