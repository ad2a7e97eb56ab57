"""What can go wrong with a commit beyond what the database says."""

from headwater.errors import HeadwaterError


class CommitError(HeadwaterError):
    """The command could not be committed."""


class KeyReused(CommitError):
    """The idempotency key was used with another request."""


class KeyInFlight(CommitError):
    """A request with the same idempotency key is still at work; try again in {retry_after:g} s."""


class OutcomeUnknown(CommitError):
    """The connection broke during COMMIT, and whether it took place is unknown. ({reason})

    With an idempotency key the same request may be sent again: it replays the answer or runs now.
    """


class TransactionEnded(CommitError):
    """The transaction was ended by something other than the platform; whether it was committed is not known here."""


class EventTooLarge(CommitError):
    """{event} takes {size} bytes, more than the {limit} that an event may have; put the bulk into a row."""


class EnvelopeInvalid(CommitError):
    """The message is no envelope: {reason}."""
