"""Everything that can be wrong with the log.

::

    HeadwaterError
     └─ LogError
         ├─ LogNotPrepared        this database has no log for the slot
         ├─ MalformedBatch        the bytes of a batch do not add up
         └─ WalError              see `headwater.wal.errors`
"""

from headwater.errors import HeadwaterError


class LogError(HeadwaterError):
    """The log cannot be used."""


class LogNotPrepared(LogError):
    """There is no log for the slot {slot!r} in this database; `headwater migrate` prepares it."""


class MalformedBatch(LogError):
    """A batch of the log cannot be read: {reason}."""
