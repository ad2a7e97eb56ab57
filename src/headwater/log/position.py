"""Where an event stands in the log: ``epoch:32 | commit_lsn:64 | ordinal:32``, strictly increasing.

The commit LSN orders transactions as the decoder hands them over; the ordinal counts the changes and messages
inside one. An event's own LSN is no key: a COPY gives many rows one LSN, and interleaved transactions make LSNs
go back. The epoch leads, so that nothing written after a restore can look older than what it replaced.
"""

import re
import struct
from typing import NamedTuple, Self

_LAYOUT = struct.Struct(">IQI")
_LSN = re.compile(r"([0-9A-F]{1,8})/([0-9A-F]{1,8})", re.IGNORECASE)
_TEXT = re.compile(rf"([0-9]{{1,10}})\.({_LSN.pattern})\.([0-9]{{1,10}})", re.IGNORECASE)


class Position(NamedTuple):
    """A place in the log; compares as the log is ordered.

    Bytes: 16, big-endian, so that their order is the positions' order. Text: ``epoch.lsn.ordinal`` with the LSN
    as PostgreSQL writes it: ``1.0/16B3748.3``.
    """

    epoch: int
    commit_lsn: int
    ordinal: int

    def __bytes__(self) -> bytes:
        return _LAYOUT.pack(*self)

    def __str__(self) -> str:
        return f"{self.epoch}.{format_lsn(self.commit_lsn)}.{self.ordinal}"

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The position in 16 bytes; raises `ValueError` for any other length."""
        if len(data) != _LAYOUT.size:
            raise ValueError(f"a position has {_LAYOUT.size} bytes, not {len(data)}")
        return cls(*_LAYOUT.unpack(data))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position that `str` wrote; raises `ValueError` for anything else."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no position; one looks like 1.0/16B3748.3")
        epoch, lsn, _, _, ordinal = match.groups()
        position = cls(int(epoch), parse_lsn(lsn), int(ordinal))
        if position.epoch >= 1 << 32 or position.ordinal >= 1 << 32:
            raise ValueError(f"{text!r} is no position: epoch and ordinal have 32 bits")
        return position


START = Position(0, 0, 0)
"""Before everything that a log can hold."""


def format_lsn(lsn: int) -> str:
    """An LSN as PostgreSQL writes it: two hexadecimal halves."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def parse_lsn(text: str) -> int:
    """An LSN from PostgreSQL's text; raises `ValueError` for anything else."""
    match = _LSN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no LSN")
    high, low = match.groups()
    return int(high, 16) << 32 | int(low, 16)
