"""The position of an event in the log: ``epoch:32 | commit_lsn:64 | ordinal:32``, strictly increasing.

The commit LSN orders transactions as the decoder delivers them; the ordinal counts the changes and messages inside
one. The LSN of the event itself is not usable as a key: a COPY gives many rows one LSN, and interleaved transactions
make LSNs go back. The epoch comes first, so that nothing written after a restore sorts before what it replaced.
"""

import re
import struct
from typing import NamedTuple, Self

_LAYOUT = struct.Struct(">IQI")
_LSN = re.compile(r"([0-9A-F]{1,8})/([0-9A-F]{1,8})", re.IGNORECASE)
_TEXT = re.compile(rf"([0-9]{{1,10}})\.({_LSN.pattern})\.([0-9]{{1,10}})", re.IGNORECASE)


class Position(NamedTuple):
    """A position in the log; positions compare in the order of the log.

    Bytes: 16, big-endian, so they sort like the positions. Text: ``epoch.lsn.ordinal`` with the LSN
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
        """Parse what `str` wrote; raises `ValueError` for anything else."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a position. An example: 1.0/16B3748.3")
        epoch, lsn, _, _, ordinal = match.groups()
        position = cls(int(epoch), parse_lsn(lsn), int(ordinal))
        if position.epoch >= 1 << 32 or position.ordinal >= 1 << 32:
            raise ValueError(f"{text!r} is not a position: epoch and ordinal have 32 bits")
        return position


START = Position(0, 0, 0)
"""Before every position of a log."""


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
