"""The documentation options of a route."""

from collections.abc import Mapping
from typing import TypedDict


class TextOptions(TypedDict, total=False):
    """Options of every route."""

    summary: str | None
    """The summary of the operation, by default the first line of the handler's docstring."""
    answers: Mapping[int, str]
    """Other statuses that its own Responses and Problems can have, and when: ``{302: "Where the link leads."}``."""
    hidden: bool
    """Leave it out of the documentation."""
