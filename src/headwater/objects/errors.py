"""What goes wrong with objects.

::

    HeadwaterError
     └─ ObjectsError
         ├─ LocationInvalid      HEADWATER_OBJECTS_URL does not name a store
         ├─ KeyInvalid           the key is not valid in any store
         ├─ NoObject             no object has this key
         ├─ BytesLost            an object was kept, but its bytes are missing in the store
         ├─ UploadExpired        the upload was swept before its commit
         ├─ StoreFull            no space is left
         └─ StoreUnavailable     the store cannot be used now
             ├─ BucketMissing    the bucket does not exist
             └─ AccessRefused    the credentials are not recognised, or not allowed to do this
"""

from headwater.errors import HeadwaterError


class ObjectsError(HeadwaterError):
    """The object storage operation failed."""


class LocationInvalid(ObjectsError):
    """HEADWATER_OBJECTS_URL={url!r} is not a URL of an object storage: {reason}. An example: s3://bucket/folder."""


class KeyInvalid(ObjectsError):
    """{key!r} is not a valid object key: {reason}."""


class NoObject(ObjectsError):
    """There is no object {key!r} in {location}."""


class BytesLost(ObjectsError):
    """The object {id} is kept, but {key!r} is missing in {location}: something else has deleted its bytes."""


class UploadExpired(ObjectsError):
    """The upload {id} was not committed in time and has been deleted."""


class StoreFull(ObjectsError):
    """{location} is full: {reason}"""


class StoreUnavailable(ObjectsError):
    """{location} cannot be used: {reason}"""


class BucketMissing(StoreUnavailable):
    """{location} does not exist. Create the bucket, or set HEADWATER_OBJECTS_URL."""


class AccessRefused(StoreUnavailable):
    """{location} refuses these credentials: {reason}"""
