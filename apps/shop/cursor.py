"""A cursor: the place of the last product of a page, opaque to whoever carries it to the next one."""

import base64
from typing import NamedTuple
from uuid import UUID

import msgspec


class Cursor(NamedTuple):
    """A place in the order of products: by name, then by id."""

    name: str
    id: UUID

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Raises `ValueError` for what `str` did not write."""
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=cls)
