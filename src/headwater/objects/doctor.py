"""What the doctor has to say about the object storage: whether it takes an object, gives it back, and lets it go."""

from typing import Final
from uuid import uuid4

from headwater.engines import Finding
from headwater.objects.errors import AccessRefused, BucketMissing, NoObject, ObjectsError, StoreFull
from headwater.objects.place import Place, place_of
from headwater.objects.store import Objects
from headwater.settings import Settings

_PROBE: Final = b"headwater doctor\n"


async def examine_objects(settings: Settings) -> Finding:
    """One finding; an ill store is a finding and not an error."""
    try:
        place = place_of(settings)
    except ObjectsError as error:
        return _lacking("Object storage", error, None)
    try:
        await _probe(Objects(place))
    except ObjectsError as error:
        return _lacking(f"Object storage at {place}", error, _remedy(error, place))
    return Finding(ok=True, subject=f"Object storage at {place}", found="writes and reads", wanted="to write and read")


async def _probe(objects: Objects) -> None:
    key = f"doctor/{uuid4().hex}"
    await objects.put(key, _PROBE)
    try:
        if await objects.get(key) != _PROBE:
            raise NoObject(key=key, place=objects.place)
    finally:
        await objects.delete(key)


def _lacking(subject: str, error: ObjectsError, remedy: str | None) -> Finding:
    return Finding(ok=False, subject=subject, found=str(error), wanted="to write and read an object", remedy=remedy)


def _remedy(error: ObjectsError, place: Place) -> str | None:
    if isinstance(error, BucketMissing):
        bucket = place.url.split("/")[2]
        return f"aws s3api create-bucket --bucket {bucket}"
    if isinstance(error, AccessRefused):
        return "HEADWATER_OBJECTS_ACCESS_KEY and HEADWATER_OBJECTS_SECRET_KEY, or AWS_ACCESS_KEY_ID and its kin"
    if isinstance(error, StoreFull):
        return "Make room; uploads are refused with 507 until then."
    return None
