"""The log: committed events and row changes, durable and in order."""

from headwater.log.batch import CHANGE, EVENT, MALFORMED, Entry, partition_of, read_entries, write_entry
from headwater.log.errors import LogError, LogNotPrepared, MalformedBatch
from headwater.log.head import CAN_CONTINUE, Head, read_head
from headwater.log.position import START, Position, format_lsn, parse_lsn
from headwater.log.segments import Segment, Segments, drop_old_segments, list_segments
from headwater.log.status import LogStatus, SegmentSize, read_status
from headwater.log.tail import follow, read
from headwater.log.wakeups import Wakeups

__all__ = [
    "CAN_CONTINUE",
    "CHANGE",
    "EVENT",
    "MALFORMED",
    "START",
    "Entry",
    "Head",
    "LogError",
    "LogNotPrepared",
    "LogStatus",
    "MalformedBatch",
    "Position",
    "Segment",
    "SegmentSize",
    "Segments",
    "Wakeups",
    "drop_old_segments",
    "follow",
    "format_lsn",
    "list_segments",
    "parse_lsn",
    "partition_of",
    "read",
    "read_entries",
    "read_head",
    "read_status",
    "write_entry",
]
