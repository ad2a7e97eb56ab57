"""Object storage: bytes under keys, in a folder or in a bucket, and the commits that make them somebody's own."""

from headwater.objects.errors import (
    AccessRefused,
    BucketMissing,
    BytesLost,
    KeyInvalid,
    NoObject,
    ObjectsError,
    PlaceInvalid,
    StoreFull,
    StoreUnavailable,
    UploadExpired,
)
from headwater.objects.place import Place, place_of
from headwater.objects.store import Objects, Stat

__all__ = [
    "AccessRefused",
    "BucketMissing",
    "BytesLost",
    "KeyInvalid",
    "NoObject",
    "Objects",
    "ObjectsError",
    "Place",
    "PlaceInvalid",
    "Stat",
    "StoreFull",
    "StoreUnavailable",
    "UploadExpired",
    "place_of",
]
