"""What a route says to the documentation."""

from collections.abc import Mapping
from typing import TypedDict


class TextOptions(TypedDict, total=False):
    """What every route can say."""

    summary: str | None
    """The operation's line in the documentation, by default the first of the handler's docstring."""
    answers: Mapping[int, str]
    """Other statuses that its own Responses and Problems can have, and when: ``{302: "Where the link leads."}``."""
    hidden: bool
    """Keep it out of the documentation."""
