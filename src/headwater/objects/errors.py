"""What goes wrong with objects.

::

    HeadwaterError
     └─ ObjectsError
         ├─ PlaceInvalid         the setting that names the store
         ├─ KeyInvalid           a key that no store takes
         ├─ NoObject             nothing is under the key
         ├─ BytesLost            an object was kept, and the store has not its bytes
         ├─ UploadExpired        the commit came later than the sweeper
         ├─ StoreFull            no room is left
         └─ StoreUnavailable     the store cannot be used now
             ├─ BucketMissing    it has no such bucket
             └─ AccessRefused    it knows the credentials not, or does not let them do this
"""

from headwater.errors import HeadwaterError


class ObjectsError(HeadwaterError):
    """The object storage could not do what was asked."""


class PlaceInvalid(ObjectsError):
    """HEADWATER_OBJECTS_URL={url!r} names no object storage: {reason}. One looks like s3://bucket/folder."""


class KeyInvalid(ObjectsError):
    """{key!r} is no key of an object: {reason}."""


class NoObject(ObjectsError):
    """There is no object {key!r} in {place}."""


class BytesLost(ObjectsError):
    """The object {id} is kept, but {place} has no {key!r}: something else has deleted its bytes."""


class UploadExpired(ObjectsError):
    """The upload {id} was not committed in time, and is gone."""


class StoreFull(ObjectsError):
    """{place} is full: {reason}"""


class StoreUnavailable(ObjectsError):
    """{place} cannot be used: {reason}"""


class BucketMissing(StoreUnavailable):
    """{place} does not exist. Create the bucket, or set HEADWATER_OBJECTS_URL."""


class AccessRefused(StoreUnavailable):
    """{place} refuses these credentials: {reason}"""
