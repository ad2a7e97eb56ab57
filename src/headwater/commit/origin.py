"""The origin of a commit."""

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """The app and the command (or consumer) that commits, the actor it acts for, and the trace."""

    app: str
    command: str
    actor: str | None = None
    trace: str | None = None
