"""A change: one difference between two documents, and whether it breaks clients of the older one."""

from typing import Any

import msgspec

Document = dict[str, Any]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """`rule` is the kind of change, `location` the part of the operation, `detail` a description for a person.

    `operation` is ``GET /orders/{id}``, or ``*`` for a change of the whole API.
    """

    operation: str
    rule: str
    location: str
    detail: str
    breaking: bool

    @property
    def what(self) -> str:
        """The change as a declaration names it."""
        return f"{self.rule} {self.location}".strip()
