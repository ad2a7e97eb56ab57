"""The errors between the write-ahead log and the log. Each is defined beside the code that raises it.

::

    LogError
     └─ WalError
         ├─ StreamLost             the replication connection broke, or could not be made
         ├─ ReplicationRefused     PostgreSQL refused a replication command
         │   └─ SlotBusy           another relay holds the slot
         ├─ MalformedStream        the stream has an invalid message
         ├─ Fenced                 another relay has taken over the log
         ├─ LayoutChanged                 the number of partitions changed
         ├─ Gap                    the slot cannot continue the log
         │   ├─ SlotMissing        it is gone
         │   ├─ SlotInvalidated    PostgreSQL has invalidated it
         │   ├─ SlotAhead          it is beyond the log
         │   ├─ ForeignSystem      the log was written on another server
         │   └─ PublicationMissing its publication is gone
         └─ ForeignSlot            another application uses the slot
"""

from headwater.log.errors import LogError


class WalError(LogError):
    """The write-ahead log cannot be turned into the log."""
