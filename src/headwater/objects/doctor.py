"""The doctor's check of the object storage: an object can be written, read and deleted."""

from typing import Final
from uuid import uuid4

from headwater.engines import Finding
from headwater.objects.errors import AccessRefused, BucketMissing, NoObject, ObjectsError, StoreFull
from headwater.objects.location import Location, location_of
from headwater.objects.store import Objects
from headwater.settings import Settings

_PROBE: Final = b"headwater doctor\n"


async def examine_objects(settings: Settings) -> Finding:
    """One finding; a store that does not work is a finding, not an error."""
    try:
        location = location_of(settings)
    except ObjectsError as error:
        return _lacking("Object storage", error, None)
    try:
        await _probe(Objects(location))
    except ObjectsError as error:
        return _lacking(f"Object storage at {location}", error, _remedy(error, location))
    return Finding(
        ok=True, subject=f"Object storage at {location}", found="writes and reads", wanted="to write and read"
    )


async def _probe(objects: Objects) -> None:
    key = f"doctor/{uuid4().hex}"
    await objects.put(key, _PROBE)
    try:
        if await objects.get(key) != _PROBE:
            raise NoObject(key=key, location=objects.location)
    finally:
        await objects.delete(key)


def _lacking(subject: str, error: ObjectsError, remedy: str | None) -> Finding:
    return Finding(ok=False, subject=subject, found=str(error), wanted="to write and read an object", remedy=remedy)


def _remedy(error: ObjectsError, location: Location) -> str | None:
    if isinstance(error, BucketMissing):
        bucket = location.url.split("/")[2]
        return f"aws s3api create-bucket --bucket {bucket}"
    if isinstance(error, AccessRefused):
        return "Set HEADWATER_OBJECTS_ACCESS_KEY and HEADWATER_OBJECTS_SECRET_KEY, or the AWS_... variables."
    if isinstance(error, StoreFull):
        return "Free some space; until then, uploads are refused with 507."
    return None
