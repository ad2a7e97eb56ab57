"""Whose doing a commit is."""

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """The app and command (or consumer) that commits, on whose behalf, and in which trace."""

    app: str
    command: str
    actor: str | None = None
    trace: str | None = None
