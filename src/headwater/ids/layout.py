"""The layout of an id: ``time:41 | worker:10 | sequence:12``, most significant first; the sign bit stays 0.

Time is in milliseconds since `EPOCH` and lasts until September 2094. Ids sort by creation time, 1024 workers make them
without coordination, and each makes up to 4096 per millisecond.

JavaScript loses the last digits of a JSON number beyond 2**53, and ids are beyond that from the 25th day on. So a
response shows an id as a string: declare the field as `SnowflakeText` and select ``id::text``. Paths and query strings
are strings already; there, and in bodies that only your own programs write, use `Snowflake`, an int.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from headwater.ids.errors import TimeOutOfRange

EPOCH: Final = datetime(2025, 1, 1, tzinfo=UTC)

TIME_BITS: Final = 41
WORKER_BITS: Final = 10
SEQUENCE_BITS: Final = 12
WORKERS: Final = 1 << WORKER_BITS
SEQUENCES: Final = 1 << SEQUENCE_BITS

_TIMES: Final = range(1 << TIME_BITS)
_TIME_SHIFT: Final = WORKER_BITS + SEQUENCE_BITS
_EXAMPLE: Final = 188_402_518_016_000_000

Snowflake = Annotated[int, Meta(ge=0, le=(1 << 63) - 1, description="A Snowflake id.", examples=[_EXAMPLE])]
"""An id in PostgreSQL (bigint) and in Python."""
SnowflakeText = Annotated[
    str, Meta(pattern=r"^(?:0|[1-9][0-9]{0,18})$", description="A Snowflake id, as a string.", examples=[str(_EXAMPLE)])
]
"""An id in JSON."""


class SnowflakeParts(NamedTuple):
    """`time` is in milliseconds since `EPOCH`."""

    time: int
    worker: int
    sequence: int

    @property
    def made_at(self) -> datetime:
        """The creation time of the id, in UTC."""
        return EPOCH + timedelta(milliseconds=self.time)


def join(time: int, worker: int, sequence: int) -> int:
    """The id of these parts; raises `TimeOutOfRange`."""
    if time not in _TIMES:
        raise TimeOutOfRange(milliseconds=time)
    return time << _TIME_SHIFT | worker << SEQUENCE_BITS | sequence


def split(id: int) -> SnowflakeParts:
    """The parts of an id."""
    return SnowflakeParts(id >> _TIME_SHIFT, id >> SEQUENCE_BITS & (WORKERS - 1), id & (SEQUENCES - 1))
