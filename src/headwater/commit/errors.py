"""The errors of a commit that are not errors of the database."""

from headwater.errors import HeadwaterError


class CommitError(HeadwaterError):
    """The command could not be committed."""


class KeyReused(CommitError):
    """The idempotency key was used for a different request."""


class KeyInFlight(CommitError):
    """A request with the same idempotency key is still in progress; retry in {retry_after:g} s."""


class OutcomeUnknown(CommitError):
    """The connection broke during COMMIT, so it is unknown whether the transaction was committed ({reason}).

    With an idempotency key, send the same request again: it replays the response, or is executed now.
    """


class TransactionEnded(CommitError):
    """The transaction was ended by other code than Headwater's; whether it was committed is unknown."""


class EventTooLarge(CommitError):
    """{event} has {size} bytes; the limit of an event is {limit}. Put large data into a row."""


class EnvelopeInvalid(CommitError):
    """The message is not a valid envelope: {reason}."""
