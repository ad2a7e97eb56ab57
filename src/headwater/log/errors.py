"""The errors of the log.

::

    HeadwaterError
     └─ LogError
         ├─ LogNotPrepared        this database has no log for the slot
         ├─ MalformedBatch        the bytes of a batch are invalid
         └─ WalError              see `headwater.wal.errors`
"""

from headwater.errors import HeadwaterError


class LogError(HeadwaterError):
    """The log cannot be used."""


class LogNotPrepared(LogError):
    """There is no log for the slot {slot!r} in this database; run `headwater migrate` to create it."""


class MalformedBatch(LogError):
    """A batch of the log cannot be read: {reason}."""
