"""An order of rows: columns with their directions, ending with a key that is unique, so that no two rows are equal.

Texts are ordered and compared by the collation of their column. Where a column is NULL is part of the order, for
PostgreSQL's own answer (NULL is the largest) puts the rows that lack a value first in every descending list.
"""

from typing import Literal

import msgspec

Nulls = Literal["last", "first", "largest"]
"""Where rows without a value stand: at the end, at the beginning, or as if NULL were the largest value."""


class Term(msgspec.Struct, frozen=True):
    """One column of an order. `nullable` if the column can be NULL; `nulls_first` matters only then."""

    column: str
    descending: bool = False
    nullable: bool = False
    nulls_first: bool = False

    @classmethod
    def made(cls, column: str, descending: bool, nullable: bool, nulls: Nulls) -> "Term":
        """A term whose nulls stand where `nulls` says."""
        first = nulls == "first" or (nulls == "largest" and descending)
        return cls(column, descending, nullable, nullable and first)

    @property
    def plain(self) -> bool:
        """Whether its nulls stand where PostgreSQL puts them unasked, which is where a plain index has them."""
        return not self.nullable or self.nulls_first == self.descending

    def turned(self) -> "Term":
        """The same, read from the other end."""
        return Term(self.column, not self.descending, self.nullable, self.nullable and not self.nulls_first)

    def sql(self, *, nulls: bool = True) -> str:
        """The term in ORDER BY and CREATE INDEX; without `nulls`, with PostgreSQL's default placing of nulls."""
        direction = " desc" if self.descending else ""
        if not nulls or self.plain:
            return quoted(self.column) + direction
        return quoted(self.column) + direction + (" nulls first" if self.nulls_first else " nulls last")


Order = tuple[Term, ...]


def turn(order: Order) -> Order:
    """The order read from its end."""
    return tuple(term.turned() for term in order)


def order_sql(order: Order) -> str:
    """The list after ORDER BY."""
    return ", ".join(term.sql() for term in order)


def quoted(name: str) -> str:
    """A name as PostgreSQL takes it, whatever it is made of."""
    return '"' + name.replace('"', '""') + '"'
