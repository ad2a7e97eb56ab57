"""From what obstore raises to our own errors.

Its errors tell the kinds apart that every store has. What only some have, no such bucket and no room, is told by the
text of the answer.
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
"""What obstore raises: errors of its own, and three of Python's."""

_FULL: Final = ("No space left on device", "os error 28", "Disk quota exceeded", "os error 122", "QuotaExceeded")
_REFUSED: Final = ("AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "403 Forbidden", "401 Unauthorized")


def translate(error: BaseException, key: str, place: object) -> ObjectsError:
    """The error of ours that `error` stands for."""
    text = str(error)
    reason = _first_line(text)
    if isinstance(error, FileNotFoundError):
        return BucketMissing(place=place) if "NoSuchBucket" in text else NoObject(key=key, place=place)
    if isinstance(error, ValueError) and not isinstance(error, BaseError):
        return KeyInvalid(key=key, reason=reason)
    if any(word in text for word in _FULL):
        return StoreFull(place=place, reason=reason)
    refused = isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError)
    if refused or any(word in text for word in _REFUSED):
        return AccessRefused(place=place, reason=reason)
    return StoreUnavailable(place=place, reason=reason)


def is_whole_answer(error: BaseException) -> bool:
    """Whether a store has answered a range with everything, as some that speak S3 do."""
    return "non-partial response" in str(error)


def _first_line(text: str) -> str:
    line = text.partition("\n")[0].strip()
    return line[:300].removesuffix(":") if line else "no reason was given"
