"""Whose doing a commit is."""

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """The app and command (or consumer) that commits, on whose behalf, and in which trace.

    `traceparent` is a whole one, as W3C Trace Context writes it.
    """

    app: str
    command: str
    actor: str | None = None
    traceparent: str | None = None
