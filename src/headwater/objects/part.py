"""Object storage as a part: the store itself, and the staging of uploads."""

from datetime import timedelta

from headwater.binding import Resource
from headwater.clock import Clock
from headwater.db import Db
from headwater.db.pools import Pools
from headwater.objects.location import location_of
from headwater.objects.staging import Staging
from headwater.objects.store import Objects
from headwater.part import Part
from headwater.settings import Settings


def object_storage() -> Part:
    """Bytes under keys, in a folder or in a bucket."""
    return Part(
        "objects",
        Resource(kind=Objects, open=_open_objects),
        Resource(kind=Staging, open=_open_staging),
    )


def _open_objects(settings: Settings) -> Objects:
    return Objects(location_of(settings))


def _open_staging(pools: Pools, objects: Objects, settings: Settings, clock: Clock) -> Staging:
    return Staging(Db(pools.writes), objects, keep=timedelta(hours=settings.upload_hours), clock=clock)
