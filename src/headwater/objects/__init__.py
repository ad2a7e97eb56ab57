"""Object storage: bytes under keys, in a folder or a bucket, and uploads that a commit keeps."""

from headwater.objects.errors import (
    AccessRefused,
    BucketMissing,
    BytesLost,
    KeyInvalid,
    LocationInvalid,
    NoObject,
    ObjectsError,
    StoreFull,
    StoreUnavailable,
    UploadExpired,
)
from headwater.objects.location import Location, location_of
from headwater.objects.store import Objects, Stat

__all__ = [
    "AccessRefused",
    "BucketMissing",
    "BytesLost",
    "KeyInvalid",
    "Location",
    "LocationInvalid",
    "NoObject",
    "Objects",
    "ObjectsError",
    "Stat",
    "StoreFull",
    "StoreUnavailable",
    "UploadExpired",
    "location_of",
]
