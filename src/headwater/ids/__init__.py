"""Snowflake ids: numbers of 64 bits that grow with time, for where a number is wanted instead of a UUID."""

from headwater.ids.errors import ClockWentBack, IdsError, LeaseLost, NoWorkerFree
from headwater.ids.generator import Generator, NotYet
from headwater.ids.layout import EPOCH, Parts, Snowflake, SnowflakeText, join, split
from headwater.ids.snowflakes import Snowflakes

__all__ = [
    "EPOCH",
    "ClockWentBack",
    "Generator",
    "IdsError",
    "LeaseLost",
    "NoWorkerFree",
    "NotYet",
    "Parts",
    "Snowflake",
    "SnowflakeText",
    "Snowflakes",
    "join",
    "split",
]
