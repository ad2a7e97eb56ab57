"""Everything that can go wrong between the write-ahead log and the log; each stands beside what raises it.

::

    LogError
     └─ WalError
         ├─ StreamLost             the replication connection broke, or could not be made
         ├─ ReplicationRefused     PostgreSQL refused a replication command
         │   └─ SlotBusy           another relay holds the slot
         ├─ MalformedStream        the stream holds a message that makes no sense
         ├─ Fenced                 another relay has taken over the log
         ├─ Relaid                 the number of partitions changed
         ├─ Gap                    the slot cannot continue the log
         │   ├─ SlotMissing        it is gone
         │   ├─ SlotInvalidated    PostgreSQL gave it up
         │   ├─ SlotAhead          it stands beyond the log
         │   ├─ ForeignSystem      the log was written on another server
         │   └─ PublicationMissing what it publishes is gone
         └─ ForeignSlot            somebody else made the slot for something else
"""

from headwater.log.errors import LogError


class WalError(LogError):
    """The write-ahead log cannot be turned into the log."""
