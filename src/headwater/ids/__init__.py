"""Snowflake ids: 64-bit integers that increase with time, where a number is wanted instead of a UUID."""

from headwater.ids.errors import ClockWentBack, IdsError, NoWorkerFree
from headwater.ids.generator import Generator, SequenceExhausted
from headwater.ids.layout import EPOCH, Snowflake, SnowflakeParts, SnowflakeText, join, split
from headwater.ids.snowflakes import Snowflakes

__all__ = [
    "EPOCH",
    "ClockWentBack",
    "Generator",
    "IdsError",
    "NoWorkerFree",
    "SequenceExhausted",
    "Snowflake",
    "SnowflakeParts",
    "SnowflakeText",
    "Snowflakes",
    "join",
    "split",
]
