"""From the write-ahead log to the log: decoder, replication stream, relay."""

from headwater.wal.prepare import prepare_log
from headwater.wal.reconcile import Reconciliation, SuspectTable, open_epoch, reconcile
from headwater.wal.service import run_relay, take_over
from headwater.wal.slot import Gap, SlotState, read_slot

__all__ = [
    "Gap",
    "Reconciliation",
    "SlotState",
    "SuspectTable",
    "open_epoch",
    "prepare_log",
    "read_slot",
    "reconcile",
    "run_relay",
    "take_over",
]
