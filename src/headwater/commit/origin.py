"""The origin of a commit."""

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """The app and the command (or consumer) that commits, the actor it acts for, and the trace.

    `traceparent` is complete, in the form of W3C Trace Context.
    """

    app: str
    command: str
    actor: str | None = None
    traceparent: str | None = None
