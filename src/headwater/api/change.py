"""A change: one difference between two documents, and whether it breaks who was written for the older one."""

from typing import Any

import msgspec

Document = dict[str, Any]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """`rule` is the kind of change, `place` where in the operation, `detail` the same for a person.

    `operation` is ``GET /orders/{id}``, or ``*`` for what concerns all of them.
    """

    operation: str
    rule: str
    place: str
    detail: str
    breaking: bool

    @property
    def what(self) -> str:
        """What a declaration calls it."""
        return f"{self.rule} {self.place}".strip()
